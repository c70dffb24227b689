// gRPC-Web through the gateway with nothing but the JDK: the message is written by hand, which for a roll is two numbers.
//
//   java RollDice.java http://127.0.0.1:8001

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

public class RollDice {
    static final String METHOD = "/dicetower.dice.v1.DiceService/RollDice";

    public static void main(String[] arguments) throws Exception {
        String good = call(arguments[0], 8, 5);
        check(good.contains("grpc-status: 0"), good);
        System.out.println("roll: grpc-status 0");

        String refused = call(arguments[0], 500, 5);
        check(refused.contains("grpc-status: 3"), refused);
        System.out.println("refused: grpc-status 3");
    }

    /// Calls RollDice, and answers the trailers.
    static String call(String server, int pool, int targetNumber) throws Exception {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        // Fields 1 and 2 are varints.
        message.write(0x08);
        varint(message, pool);
        message.write(0x10);
        varint(message, targetNumber);
        ByteBuffer frame = ByteBuffer.allocate(5 + message.size());
        frame.put((byte) 0).putInt(message.size()).put(message.toByteArray());

        HttpRequest request = HttpRequest.newBuilder(URI.create(server + METHOD))
            .header("Content-Type", "application/grpc-web+proto")
            .POST(HttpRequest.BodyPublishers.ofByteArray(frame.array()))
            .build();
        HttpResponse<byte[]> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray());
        check(response.statusCode() == 200, "HTTP " + response.statusCode());

        ByteBuffer body = ByteBuffer.wrap(response.body());
        while (body.remaining() >= 5) {
            byte flag = body.get();
            byte[] content = new byte[body.getInt()];
            body.get(content);
            if (flag == (byte) 0x80) {
                return new String(content, StandardCharsets.US_ASCII);
            }
            System.out.println("message of " + content.length + " bytes");
        }
        throw new IllegalStateException("no trailers");
    }

    static void varint(ByteArrayOutputStream out, int value) {
        while (value >= 0x80) {
            out.write(value & 0x7f | 0x80);
            value >>>= 7;
        }
        out.write(value);
    }

    static void check(boolean holds, String text) {
        if (!holds) {
            throw new IllegalStateException(text);
        }
    }
}
