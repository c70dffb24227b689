#!/usr/bin/env python3
"""gRPC from Python: a roll, a refusal with its details, health, reflection; each call with a deadline.

    client.py ADDRESS      such as 127.0.0.1:8001, the server's own port, or 127.0.0.1:50051, where `dicetower dice` listens
"""

import sys
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "proto"))
messages, services = grpc.protos_and_services("dicetower/dice/v1/dice.proto")

channel = grpc.insecure_channel(sys.argv[1])
dice = services.DiceServiceStub(channel)

health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
assert health.status == health_pb2.HealthCheckResponse.SERVING, health
print("health: serving")

names = ProtoReflectionDescriptorDatabase(channel).get_services()
assert "dicetower.dice.v1.DiceService" in names, names
print("reflection:", ", ".join(sorted(names)))

roll = dice.RollDice(messages.RollDiceRequest(pool=8, target_number=5), timeout=5)
assert len(roll.rolls) == 8
print("roll:", list(roll.rolls), "successes:", roll.successes)

try:
    dice.RollDice(messages.RollDiceRequest(pool=500, target_number=5), timeout=5)
    sys.exit("a pool of 500 dice was rolled")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    info = error_details_pb2.ErrorInfo()
    details = rpc_status.from_call(error).details
    assert any(detail.Unpack(info) for detail in details), details
    assert info.domain == "dicetower", info
    print("refused:", info.reason, "-", error.details())
