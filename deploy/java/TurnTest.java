// Plays a whole turn against a running server as the real Java client would: from the game's options through every
// phase into turn 2. Exits 0 only if the listener never died and turn 2 was reached.

import java.net.ConnectException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** java TurnTest HOST PORT AREA_FILE OPENING_FILE */
final class TurnTest {
    private static final long TIMEOUT_MS = 10_000;
    private static final int MAX_STEPS = 60;
    private static final String FIRST_STATE = "SETUP_GAME_OPTIONS";
    private static final String TURN_START = "TURN_START";
    /** What a person does in each state that waits; the buttons' names where the old client has them. */
    private static final Map<String, String> ANSWERS = Map.of(
            FIRST_STATE, "GAME_OPTIONS_CONFIRMED",
            "PHASE_1_FP_DISCARD_CHECK", "FP_DISCARDS_DONE",
            "PHASE_1_SP_DISCARD_CHECK", "SP_DISCARDS_DONE",
            "PHASE_2_FELLOWSHIP_START", "FP_FELLOWSHIP_DECISIONS_READY",
            "PHASE_3_HUNT_ALLOCATION_START", "SHADOW_CONFIRMS_HUNT_ALLOCATION",
            "PHASE_4_ACTION_ROLL_START", "DICE_ROLLED",
            "PHASE_5_FP_DIE_SELECTED", "ACTION_SELECTED",
            "PHASE_5_SP_DIE_SELECTED", "ACTION_SELECTED");

    private final Board board;
    private final FsmLine line;
    /** Sides that have used a die; each uses one and then passes. */
    private final Set<String> acted = new HashSet<>();

    private TurnTest(String host, int port, Path areas, Path opening) throws Exception {
        board = new Board(areas, new Opening(opening), null);
        line = new FsmLine(host, port, board);
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 4) {
            System.err.println("usage: java TurnTest HOST PORT AREA_FILE OPENING_FILE");
            System.exit(2);
        }
        TurnTest test;
        try {
            test = new TurnTest(args[0], Integer.parseInt(args[1]), Path.of(args[2]), Path.of(args[3]));
        } catch (ConnectException exception) {
            System.out.println("FAILED: " + args[0] + ":" + args[1] + ": " + exception.getMessage());
            System.exit(1);
            return;
        }
        String complaint = test.play();
        System.out.println(test.line.summary());
        if (complaint == null) {
            System.out.println("ok: turn 2 was reached in " + test.line.state());
            System.exit(0);
        }
        System.out.println("FAILED: " + complaint);
        System.out.println("state " + test.line.state() + ", valid events " + test.line.validEvents());
        test.line.received().forEach(received -> System.out.println("< " + received));
        System.exit(1);
    }

    /** Why turn 2 was not reached, or null. */
    private String play() throws InterruptedException {
        if (!line.awaitRest(0, TIMEOUT_MS)) {
            return because("no greeting");
        }
        if (!line.state().equals(FIRST_STATE)) {
            // Somebody has played the default game; this one is ours alone.
            int before = line.rests();
            line.send("GAME turn-test-" + System.currentTimeMillis());
            if (!line.awaitRest(before, TIMEOUT_MS)) {
                return because("no greeting from a new game");
            }
        }
        for (int step = 0; step < MAX_STEPS && line.entered(TURN_START) < 2; step++) {
            String state = line.state();
            String event = answer(state);
            if (event == null) {
                return because("nothing to do in " + state);
            }
            int before = line.rests();
            line.sendEvent(event);
            if (!line.awaitRest(before, TIMEOUT_MS)) {
                return because("no answer to " + event + " in " + state);
            }
        }
        if (line.entered(TURN_START) < 2) {
            return because("turn 2 was not reached in " + MAX_STEPS + " steps");
        }
        // An answer to the last line shows that the listener has read all that came before it.
        line.sendEvent("TURN_TEST_OVER");
        if (!line.awaitRefusal("ERROR: Unknown event 'TURN_TEST_OVER'", TIMEOUT_MS)) {
            return because("an unknown event was not refused");
        }
        return line.complaint();
    }

    private String because(String what) {
        String complaint = line.complaint();
        return complaint == null ? what : what + ": " + complaint;
    }

    private String answer(String state) {
        return switch (state) {
            case "PHASE_5_FP_ACTION" -> useDie(Board.FREE_POOL, "FP_PASSES");
            case "PHASE_5_SP_ACTION" -> useDie(Board.SHADOW_POOL, "SP_PASSES");
            default -> ANSWERS.get(state);
        };
    }

    /**
     * Drags a die to the current action as a person does, or passes. The real client tells where the piece went by its
     * database alone; this one has none, so it tells in the event.
     */
    private String useDie(int pool, String pass) {
        List<Integer> dice = board.piecesIn(pool);
        if (dice.isEmpty() || !acted.add(pass)) {
            return pass;
        }
        int die = dice.get(0);
        board.move(die, Board.CURRENT_ACTION);
        return "PIECE_MOVED {\"piece_id\":" + die + ",\"from\":" + pool + ",\"to\":" + Board.CURRENT_ACTION + "}";
    }
}
