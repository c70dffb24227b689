#!/usr/bin/env python3
"""A service of one's own: dicetower reads its operations by reflection and offers them as tools.

    weather.py PORT
"""

import sys
import zlib
from concurrent import futures
from pathlib import Path

import grpc
from grpc_reflection.v1alpha import reflection

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "proto")]
messages, services = grpc.protos_and_services("weather.proto")

SKIES = [("clear", 0), ("drizzle", 1), ("acid rain", 2), ("thick fog", 4)]


class Weather(services.WeatherServiceServicer):
    def GetForecast(self, request, context):
        if not request.district.strip():
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "`district` must not be empty")
        sky, modifier = SKIES[zlib.crc32(request.district.encode()) % len(SKIES)]
        return messages.GetForecastResponse(district=request.district, sky=sky, visibility_modifier=modifier)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    services.add_WeatherServiceServicer_to_server(Weather(), server)
    service = messages.DESCRIPTOR.services_by_name["WeatherService"].full_name
    reflection.enable_server_reflection([service, reflection.SERVICE_NAME], server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    print("weather is served", flush=True)
    server.wait_for_termination()


main()
