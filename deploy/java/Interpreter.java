// Carries out a line from the server as the real client does, its mistakes included: what would end the real listener
// throws here.

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** The client's reader of game records and macros. */
final class Interpreter {
    /** Verbs that the real client reads with strict parsers: prose after them ends its listener. */
    private static final Set<String> STRICT = Set.of("rolls", "draws", "moves", "kills", "flips", "chooses", "allocates",
            "names", "changes", "challengeswith", "secureDiceRoll");
    /** Verbs that act without being understood by this client; no text may begin with them. */
    private static final Set<String> ACTING = Set.of("undoes", "redoes", "sets", "views", "damages", "repairs",
            "deselects", "silent", "noisy", "wait", "nowait", "playchosen");

    private final Board board;
    private final Runnable pieceMoved;
    /** What is shown to the person. */
    final List<String> chat = new ArrayList<>();
    /** Lines that acted though they were text. */
    final List<String> mischief = new ArrayList<>();
    int turnMarker = 1;
    int draws;
    int rolls;
    int allocations;
    int recoveries;

    /** `pieceMoved` is called once for each piece, after it has moved. */
    Interpreter(Board board, Runnable pieceMoved) {
        this.board = board;
        this.pieceMoved = pieceMoved;
    }

    /** Carries out one line. */
    void execute(String line) {
        if (line.isBlank()) {
            throw new StringIndexOutOfBoundsException("a blank line");
        }
        int end = line.indexOf("~>");
        if (end >= 0 && !line.substring(0, end).contains("<~")) {
            throw new StringIndexOutOfBoundsException("\"~>\" before any \"<~\": " + line);
        }
        if ((line.startsWith("<client>") || line.startsWith("<host>")) && line.contains(", using version")) {
            throw new IllegalStateException("a dialogue blocks the listener: " + line);
        }
        switch (line) {
            case "F7" -> drawCard(121, Board.FREE_HAND);
            case "F8" -> drawCard(122, Board.FREE_HAND);
            case "F11" -> drawCard(123, Board.SHADOW_HAND);
            case "F12" -> drawCard(124, Board.SHADOW_HAND);
            case "Ctrl+9" -> recover(true, Board.FREE_POOL);
            case "Ctrl+0" -> recover(false, Board.SHADOW_POOL);
            default -> read(line);
        }
    }

    private void read(String line) {
        String[] words = line.trim().split("\\s+");
        boolean tagged = words[0].startsWith("<") && words[0].endsWith(">");
        String verb = words.length > 1 ? words[1] : "";
        if (tagged && verb.equals("set") && words.length == 4 && words[2].equals("turn")) {
            turnMarker = Integer.parseInt(words[3]);
        }
        boolean looksUp = words[0].startsWith("$") || words[0].equals("<auto>");
        if (looksUp && STRICT.contains(verb)) {
            act(line, verb, Arrays.asList(words).subList(2, words.length));
        } else if (looksUp && (ACTING.contains(verb) || verb.startsWith("adds"))) {
            mischief.add(line);
        }
        if (words[0].startsWith("$") || (tagged && !words[0].equals("<auto>"))) {
            chat.add(line);
        }
    }

    private void act(String line, String verb, List<String> words) {
        switch (verb) {
            case "rolls" -> {
                int as = words.indexOf("as");
                List<Integer> dice = numbers(words.subList(0, as));
                List<Integer> faces = numbers(words.subList(as + 1, words.size()));
                for (int i = 0; i < dice.size(); i++) {
                    board.turn(dice.get(i), faces.get(i));
                }
                rolls += dice.size();
            }
            case "allocates" -> {
                List<Integer> dice = numbers(words);
                if (dice.size() == 1) {
                    board.turn(dice.get(0), Board.EYE);
                }
                for (int die : dice) {
                    if (board.showsEye(die)) {
                        move(die, Board.HUNT_BOX);
                        allocations++;
                    }
                }
            }
            case "moves", "draws" -> {
                String rest = String.join(" ", words);
                int from = rest.indexOf(" from ");
                int to = rest.indexOf(" to ", from);
                board.area(rest.substring(from + " from ".length(), to));
                int area = board.area(rest.substring(to + " to ".length()));
                for (int piece : numbers(List.of(rest.substring(0, from).split(" ")))) {
                    move(piece, area);
                }
            }
            case "flips", "chooses" -> numbers(words).forEach(board::place);
            default -> throw new IllegalArgumentException("this client cannot read: " + line);
        }
    }

    private static List<Integer> numbers(List<String> words) {
        if (words.isEmpty()) {
            throw new IllegalArgumentException("no numbers");
        }
        return words.stream().map(Integer::valueOf).toList();
    }

    private void drawCard(int deck, int hand) {
        Integer card = board.draw(deck);
        if (card != null) {
            move(card, hand);
            draws++;
        }
    }

    private void recover(boolean free, int pool) {
        recoveries++;
        for (int area : new int[] {Board.HUNT_BOX, free ? 175 : 177, Board.CURRENT_ACTION}) {
            for (int piece : board.piecesIn(area)) {
                if (free ? Board.isFreeDie(piece) : Board.isShadowDie(piece)) {
                    move(piece, pool);
                }
            }
        }
    }

    private void move(int piece, int area) {
        board.move(piece, area);
        pieceMoved.run();
    }
}
