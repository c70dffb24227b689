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

/** Pieces by number. Only the listener's thread touches it once the client listens. */
final class Board {
    static final int HUNT_BOX = 114;
    static final int CURRENT_ACTION = 152;
    static final int FREE_POOL = 178;
    static final int SHADOW_POOL = 179;
    static final int FREE_HAND = 180;
    static final int SHADOW_HAND = 181;
    /** The face of a Shadow die that goes to the Hunt box. */
    static final int EYE = 15;
    /** The opening position of the base game: area and the numbers of its pieces, for all but the armies. */
    private static final String OPENING = "178:210-213 179:99-105 174:358-359 176:360-362 "
            + "121:107-109,112,115-117,123,125-128,132-133,135-136,139,141-142,144,148-149,154,157 "
            + "122:106,110-111,113-114,118-122,124,129-131,134,138,140,143,145-147,150,153,156 "
            + "123:158,160,162,165-169,173-174,177,179,181-182,191,193-194,200-204,208-209 "
            + "124:159,164,170-172,175-176,178,180,183-187,189-190,192,195-197,199,205-207 "
            + "182:214-231 184:232-239 116:240 115:241-246 27:247 131:248,252 125:249 126:250 127:251 "
            + "117:256-259 118:260-261 119:262-263 163:422-423";
    private static final int LAST_PIECE = 427;

    private final Map<String, Integer> areas = new HashMap<>();
    private final Map<Integer, Integer> places = new TreeMap<>();
    private final Map<Integer, Integer> faces = new HashMap<>();
    private final Random random = new Random();

    /** Reads the names of the areas: a number, a tab, a name, and more. */
    Board(Path areaFile) throws IOException {
        for (String row : Files.readAllLines(areaFile, StandardCharsets.UTF_8)) {
            if (!row.startsWith("#")) {
                String[] columns = row.split("\t");
                areas.put(columns[1], Integer.valueOf(columns[0]));
            }
        }
        // Where the armies stand does not matter here; they are somewhere.
        for (int piece = 0; piece <= LAST_PIECE; piece++) {
            places.put(piece, 0);
        }
        for (String area : OPENING.split(" ")) {
            String[] parts = area.split(":");
            for (String range : parts[1].split(",")) {
                String[] ends = range.split("-");
                for (int piece = Integer.parseInt(ends[0]); piece <= Integer.parseInt(ends[ends.length - 1]); piece++) {
                    places.put(piece, Integer.valueOf(parts[0]));
                }
            }
        }
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
