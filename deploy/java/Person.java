// A person at a client: moves pieces on the board, presses the panel's buttons where the client has them. What neither
// can say is left to the server's autopilot, which takes quiet for an answer.

import java.util.List;
import java.util.Set;

/** One side at one client. */
final class Person {
    /** Which client it is. */
    enum Style {
        /** Sends nothing but moved pieces. */
        NEWER,
        /** Has a panel with buttons besides. */
        OLDER
    }

    private static final int GATE = 91;
    private static final int MORDOR = 188;
    private static final int CRACKS_OF_DOOM = 193;
    private static final int TRACK = 131;
    /** Steps from Rivendell to the gate. */
    private static final int WAY = 10;
    private static final int HAND_LIMIT = 6;
    /** Faces of a Free Peoples die that move the Fellowship: the Will of the West and a Character. */
    private static final Set<Integer> WALKING = Set.of(0, 1);

    private final boolean free;
    private final Style style;
    private final Board board;
    private final FsmLine line;
    private int dieOnTable = -1;
    private boolean walked;
    int pressed;
    int dragged;

    Person(boolean free, Style style, Board board, FsmLine line) {
        this.free = free;
        this.style = style;
        this.board = board;
        this.line = line;
    }

    /** Does what there is to do in a state that has just come to rest. */
    void act(String state) throws InterruptedException {
        switch (state) {
            case "SETUP_GAME_OPTIONS" -> {
                if (free) {
                    press("GAME_OPTIONS_CONFIRMED");
                }
            }
            case "PHASE_1_FP_DISCARD_CHECK" -> {
                if (free) {
                    discard(Board.FREE_HAND, Board.FREE_USED, "FP_DISCARDS_DONE");
                }
            }
            case "PHASE_1_SP_DISCARD_CHECK" -> {
                if (!free) {
                    discard(Board.SHADOW_HAND, Board.SHADOW_USED, "SP_DISCARDS_DONE");
                }
            }
            case "PHASE_2_FELLOWSHIP_START" -> {
                if (free) {
                    travel();
                    press("FP_FELLOWSHIP_DECISIONS_READY");
                }
            }
            case "PHASE_3_HUNT_ALLOCATION_START" -> {
                if (!free) {
                    List<Integer> dice = board.piecesIn(Board.SHADOW_POOL);
                    if (!dice.isEmpty()) {
                        drag(dice.get(0), Board.HUNT_BOX);
                    }
                    press("SHADOW_CONFIRMS_HUNT_ALLOCATION");
                }
            }
            case "PHASE_5_FP_ACTION", "PHASE_5_SP_ACTION" -> {
                if (free == state.equals("PHASE_5_FP_ACTION")) {
                    chooseDie();
                }
            }
            case "PHASE_5_FP_DIE_SELECTED", "PHASE_5_SP_DIE_SELECTED" -> {
                if (free == state.equals("PHASE_5_FP_DIE_SELECTED")) {
                    useDie();
                }
            }
            case "HUNT_ASSIGN_DAMAGE" -> {
                if (free) {
                    bear(line.number("Free Peoples: (\\d+) damage"));
                }
            }
            default -> { }
        }
    }

    /** Cards go until the hand is in order. */
    private void discard(int hand, int used, String done) throws InterruptedException {
        List<Integer> cards = board.piecesIn(hand);
        for (int card : cards.subList(0, Math.max(0, cards.size() - HAND_LIMIT))) {
            drag(card, used);
        }
        // The server sees the hand by itself; the button is for a server that does not.
        if (line.state().endsWith("DISCARD_CHECK")) {
            press(done);
        }
    }

    /** To the gate as soon as the way is gone, and on into Mordor. */
    private void travel() throws InterruptedException {
        int area = board.place(Board.FELLOWSHIP);
        int progress = board.place(Board.FELLOWSHIP_COUNTER) - TRACK;
        if (area == GATE) {
            drag(Board.FELLOWSHIP, MORDOR);
        } else if (area < MORDOR && WAY <= progress) {
            drag(Board.FELLOWSHIP, GATE);
            drag(Board.FELLOWSHIP_COUNTER, TRACK);
        }
    }

    private void chooseDie() throws InterruptedException {
        putAway();
        List<Integer> dice = board.piecesIn(free ? Board.FREE_POOL : Board.SHADOW_POOL);
        if (dice.isEmpty()) {
            press("PHASE_COMPLETE");
            return;
        }
        dieOnTable = dice.stream().filter(die -> WALKING.contains(board.face(die))).findFirst().orElse(dice.get(0));
        drag(dieOnTable, Board.CURRENT_ACTION);
    }

    /** The die of the last action leaves the current action. */
    private void putAway() throws InterruptedException {
        if (0 <= dieOnTable && board.place(dieOnTable) == Board.CURRENT_ACTION) {
            drag(dieOnTable, walked ? Board.HUNT_BOX : free ? Board.FREE_USED : Board.SHADOW_USED);
        }
        dieOnTable = -1;
        walked = false;
    }

    private void useDie() throws InterruptedException {
        if (free && WALKING.contains(board.face(dieOnTable))) {
            int area = board.place(Board.FELLOWSHIP);
            int counter = board.place(Board.FELLOWSHIP_COUNTER);
            if (MORDOR <= area && area < CRACKS_OF_DOOM) {
                drag(Board.FELLOWSHIP, area + 1);
                walked = true;
            } else if (area < MORDOR && counter < TRACK + 12) {
                drag(Board.FELLOWSHIP_COUNTER, counter + 1);
                walked = true;
            }
        }
        press("ACTION_COMPLETE");
    }

    private void bear(int damage) throws InterruptedException {
        drag(Board.CORRUPTION, Math.min(TRACK + 12, board.place(Board.CORRUPTION) + damage));
    }

    /** Moves a piece by hand; the client tells of it when the row is committed. */
    private void drag(int piece, int area) throws InterruptedException {
        board.move(piece, area);
        line.sendEvent("PIECE_MOVED");
        dragged++;
    }

    /** Presses a button, if this client has it and the server lists its event, or the one that ends the phase. */
    private void press(String event) throws InterruptedException {
        if (style == Style.NEWER) {
            return;
        }
        List<String> listed = line.validEvents();
        String button = listed.contains(event) ? event : "PHASE_COMPLETE";
        if (listed.contains(button)) {
            line.sendEvent(button);
            pressed++;
        }
    }
}
