// Plays a game to its end as people do with the real clients: against the built-in opponent, or one against another; with
// the client that has buttons and with the one that has none; and looks on while the opponent plays both sides. A game may
// begin far gone, so that its end is near.

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** java FullGame HOST PORT HTTP_URL DATABASE_FOLDER AREA_FILE OPENING_FILE newer|older|person|both[-late] */
final class FullGame {
    private static final long TIMEOUT_MS = 420_000;
    private static final long GREETING_MS = 10_000;
    private static final String LATE = "-late";
    /** The Fellowship at the Morannon, corruption 1, the Shadow's points 7, all its Nations at war: piece, area. */
    private static final int[][] FAR_GONE = {{247, 91}, {252, 132}, {423, 170}, {261, 120}, {262, 120}, {263, 120}};

    private final String host;
    private final int port;
    private final String http;
    private final String game;
    private final Path areas;
    private final Opening opening;
    private final Board board;
    private final boolean late;
    private final FsmLine line;
    private final List<Person> people = new ArrayList<>();
    private final List<FsmLine> lines = new ArrayList<>();

    private FullGame(String[] args) throws Exception {
        host = args[0];
        port = Integer.parseInt(args[1]);
        http = args[2];
        game = "java-" + args[6] + "-" + System.currentTimeMillis();
        areas = Path.of(args[4]);
        opening = new Opening(Path.of(args[5]));
        late = args[6].endsWith(LATE);
        board = begin(new ClientDatabase(Path.of(args[3], game + ".db"), opening));
        line = enter(board);
        switch (args[6].replace(LATE, "")) {
            case "newer" -> {
                // Nothing but moved pieces comes from this client: quiet is its consent.
                decide("free_peoples", "autopilot", 1);
                decide("table", "autopilot", 1);
                decide("shadow", "policy", 0);
                people.add(new Person(true, Person.Style.NEWER, board, line));
            }
            case "older" -> {
                decide("free_peoples", "autopilot", 1);
                decide("shadow", "policy", 0);
                people.add(new Person(true, Person.Style.OLDER, board, line));
            }
            case "person" -> {
                decide("free_peoples", "autopilot", 1);
                // The two clients' own network keeps their boards alike; here they share one. The second one's is his
                // copy for what the server tells him.
                FsmLine second = enter(begin(null));
                people.add(new Person(true, Person.Style.OLDER, board, line));
                people.add(new Person(false, Person.Style.OLDER, board, second));
            }
            case "both" -> {
                decide("free_peoples", "policy", 0);
                decide("shadow", "policy", 0);
                decide("table", "policy", 0);
            }
            default -> throw new IllegalArgumentException("newer, older, person or both");
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 7) {
            System.err.println("usage: java FullGame HOST PORT HTTP_URL DATABASE_FOLDER AREA_FILE OPENING_FILE newer|older|person|both[-late]");
            System.exit(2);
        }
        FullGame test = new FullGame(args);
        String complaint = test.play();
        System.out.println(test.line.summary());
        if (complaint == null) {
            System.out.println("ok: " + args[6] + " ended in " + test.line.state() + " after "
                    + test.line.entered("TURN_START") + " turns");
            System.exit(0);
        }
        System.out.println("FAILED: " + args[6] + ": " + complaint);
        System.out.println("state " + test.line.state() + ", valid events " + test.line.validEvents());
        List<String> received = test.line.received();
        received.subList(Math.max(0, received.size() - 60), received.size()).forEach(text -> System.out.println("< " + text));
        System.exit(1);
    }

    /** Why the game did not come to an end as it should, or null. */
    private String play() throws InterruptedException {
        long until = System.currentTimeMillis() + TIMEOUT_MS;
        int[] seen = new int[people.size()];
        while (System.currentTimeMillis() < until) {
            for (FsmLine each : lines) {
                if (each.complaint() != null) {
                    return each.complaint();
                }
            }
            if (line.state().startsWith("GAME_END_")) {
                return !late && line.entered("TURN_START") < 2 ? "it ended in its first turn" : null;
            }
            for (int i = 0; i < people.size(); i++) {
                int rests = line.rests();
                if (seen[i] < rests) {
                    seen[i] = rests;
                    people.get(i).act(line.state());
                }
            }
            line.awaitNews(100);
        }
        return "no end within " + TIMEOUT_MS / 1000 + " s";
    }

    /** A board where the game begins. */
    private Board begin(ClientDatabase database) throws IOException {
        Board begun = new Board(areas, opening, database);
        if (late) {
            for (int[] moved : FAR_GONE) {
                begun.move(moved[0], moved[1]);
            }
        }
        return begun;
    }

    /** A client in the game. */
    private FsmLine enter(Board itsBoard) throws IOException, InterruptedException {
        FsmLine entered = new FsmLine(host, port, itsBoard);
        // The server's own player or the other person may be faster than a button; that is no mistake of the line's.
        entered.tolerateLateness();
        lines.add(entered);
        int before = entered.rests();
        if (!entered.awaitRest(before, GREETING_MS)) {
            throw new IllegalStateException("no greeting");
        }
        before = entered.rests();
        entered.send("GAME " + game);
        if (!entered.awaitRest(before, GREETING_MS)) {
            throw new IllegalStateException("no greeting from a game of its own");
        }
        return entered;
    }

    /** Has somebody decide for a side. */
    private void decide(String side, String kind, int seconds) throws IOException, InterruptedException {
        String time = seconds == 0 ? "" : ",\"timeout_seconds\":" + seconds;
        String body = "{\"game_id\":\"" + game + "\",\"decider\":{\"side\":\"" + side + "\",\"kind\":\"" + kind + "\"" + time + "}}";
        HttpRequest request = HttpRequest.newBuilder(URI.create(http + "/api/tools/set_decider"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IllegalStateException("set_decider was answered " + response.statusCode() + ": " + response.body());
        }
    }
}
