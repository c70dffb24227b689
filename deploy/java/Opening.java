// The opening of the base game, as the client has it when it starts: each piece with its class and its area.

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Pieces by number. */
final class Opening {
    /** A piece where the game begins with it. */
    record Piece(String className, int area) {
        /** The client's own word for it, which the database keeps; cards, dice and tiles have none. */
        String type(int number) {
            if (className.endsWith("Regular")) {
                return "regular";
            }
            if (className.endsWith("Elite")) {
                return "elite";
            }
            if (className.equals("UnitFellowship")) {
                return "fellowship";
            }
            if (className.equals("TwoChit")) {
                return number == Board.FELLOWSHIP_COUNTER ? "fellowship_counter" : "nation_chit";
            }
            if (className.equals("Chit")) {
                return number == Board.CORRUPTION ? "corruption_counter" : "marker";
            }
            boolean figure = className.startsWith("Unit") && !className.contains("Control") && !className.equals("UnitTower");
            return figure ? "leader" : "other";
        }
    }

    final Map<Integer, Piece> pieces = new TreeMap<>();

    /** Reads rows of class, area and ranges of numbers. */
    Opening(Path file) throws IOException {
        for (String row : Files.readAllLines(file, StandardCharsets.UTF_8)) {
            if (row.startsWith("#")) {
                continue;
            }
            String[] columns = row.split("\t");
            Piece piece = new Piece(columns[0], Integer.parseInt(columns[1]));
            for (String range : columns[2].split(",")) {
                String[] ends = range.split("-");
                for (int number = Integer.parseInt(ends[0]); number <= Integer.parseInt(ends[ends.length - 1]); number++) {
                    pieces.put(number, piece);
                }
            }
        }
    }
}
