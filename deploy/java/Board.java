// The board as the client holds it in memory: where each piece is, and which face a die shows.

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Pieces by number. Listeners and whoever plays may touch it at once. */
final class Board {
    static final int HUNT_BOX = 114;
    static final int CURRENT_ACTION = 152;
    static final int FREE_POOL = 178;
    static final int SHADOW_POOL = 179;
    static final int FREE_HAND = 180;
    static final int SHADOW_HAND = 181;
    /** The face of a Shadow die that goes to the Hunt box. */
    static final int EYE = 15;
    static final int FELLOWSHIP = 247;
    static final int FELLOWSHIP_COUNTER = 248;
    static final int CORRUPTION = 252;
    static final int FREE_USED = 175;
    static final int SHADOW_USED = 177;

    private final Map<String, Integer> areas = new HashMap<>();
    private final Map<Integer, Integer> places = new TreeMap<>();
    private final Map<Integer, Integer> faces = new HashMap<>();
    private final Random random = new Random();

    private final ClientDatabase database;

    /**
     * A board in its opening position. `areaFile` has the names of the areas: a number, a tab, a name, and more. Each move
     * is written to `database`, if there is one.
     */
    Board(Path areaFile, Opening opening, ClientDatabase database) throws IOException {
        this.database = database;
        for (String row : Files.readAllLines(areaFile, StandardCharsets.UTF_8)) {
            if (!row.startsWith("#")) {
                String[] columns = row.split("\t");
                areas.put(columns[1], Integer.valueOf(columns[0]));
            }
        }
        opening.pieces.forEach((number, piece) -> places.put(number, piece.area()));
    }

    /** The area of that name; whoever names another is in error. */
    synchronized int area(String name) {
        Integer area = areas.get(name);
        if (area == null) {
            throw new IllegalArgumentException("no area is called \"" + name + "\"");
        }
        return area;
    }

    synchronized int place(int piece) {
        Integer place = places.get(piece);
        if (place == null) {
            throw new IllegalArgumentException("no piece has the number " + piece);
        }
        return place;
    }

    synchronized List<Integer> piecesIn(int area) {
        List<Integer> pieces = new ArrayList<>();
        places.forEach((piece, place) -> {
            if (place == area) {
                pieces.add(piece);
            }
        });
        return pieces;
    }

    synchronized void move(int piece, int area) {
        place(piece);
        places.put(piece, area);
        if (database != null) {
            database.move(piece, area);
        }
    }

    /** A random piece of the area, or null if it is empty. */
    synchronized Integer draw(int area) {
        List<Integer> pieces = piecesIn(area);
        return pieces.isEmpty() ? null : pieces.get(random.nextInt(pieces.size()));
    }

    /** Turns a die; a face that it does not have is an error, as for the real client. */
    synchronized void turn(int die, int face) {
        boolean shadow = isShadowDie(die);
        if (!shadow && !isFreeDie(die)) {
            throw new IllegalArgumentException("piece " + die + " is no die");
        }
        if (shadow ? face < 10 || 15 < face : face < 0 || 4 < face) {
            throw new IndexOutOfBoundsException("die " + die + " has no face " + face);
        }
        faces.put(die, face);
    }

    /** The face that a die shows, or -1 if it was never turned. */
    synchronized int face(int die) {
        return faces.getOrDefault(die, -1);
    }

    synchronized boolean showsEye(int die) {
        return faces.getOrDefault(die, -1) == EYE;
    }

    static boolean isFreeDie(int piece) {
        return (210 <= piece && piece <= 213) || piece == 358 || piece == 359;
    }

    static boolean isShadowDie(int piece) {
        return (99 <= piece && piece <= 105) || (360 <= piece && piece <= 362);
    }
}
