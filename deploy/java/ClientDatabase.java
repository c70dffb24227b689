// The client's database, laid out and written as the real client does: the opening in one table, a row in another for
// each piece that has moved, committed before anybody is told.

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.UUID;

/** A `wotr_game.db`. Only the thread that moves pieces writes to it. */
final class ClientDatabase {
    /** The tables that a start of the client fills; others stay empty and are not made here. */
    private static final String[] TABLES = {
        "CREATE TABLE game_state (game_id TEXT PRIMARY KEY, turn_number INTEGER NOT NULL DEFAULT 1,"
                + " phase TEXT NOT NULL DEFAULT 'recover_action_dice',"
                + " active_player TEXT NOT NULL CHECK (active_player IN ('free_peoples', 'shadow')),"
                + " victory_points_fp INTEGER NOT NULL DEFAULT 0 CHECK (victory_points_fp BETWEEN 0 AND 4),"
                + " victory_points_shadow INTEGER NOT NULL DEFAULT 0 CHECK (victory_points_shadow BETWEEN 0 AND 10),"
                + " created_at TEXT NOT NULL, updated_at TEXT NOT NULL, CHECK (turn_number BETWEEN 1 AND 16))",
        "CREATE TABLE game_pieces (piece_id INTEGER NOT NULL, game_id TEXT NOT NULL, piece_type TEXT NOT NULL,"
                + " area_id INTEGER NOT NULL, nation_id INTEGER, state_data TEXT, PRIMARY KEY (game_id, piece_id),"
                + " FOREIGN KEY (game_id) REFERENCES game_state (game_id) ON DELETE CASCADE)",
        "CREATE TABLE scenario_setup (piece_id INTEGER NOT NULL, scenario_id TEXT NOT NULL, piece_class TEXT NOT NULL,"
                + " initial_area_id INTEGER NOT NULL, initial_area_name TEXT, faction TEXT, card_name TEXT,"
                + " PRIMARY KEY (piece_id, scenario_id))",
        "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_date TEXT NOT NULL, description TEXT)",
    };
    /** Rows with names in place of numbers that every new game begins with. */
    private static final String[] NAMED = {"unitfellowship", "gandalf", "aragorn", "legolas", "gimli", "boromir"};

    private final Connection connection;
    private final String game = UUID.randomUUID().toString();
    private final Opening opening;

    /** Makes the file with a new game in it, and opens it. */
    ClientDatabase(Path file, Opening opening) throws SQLException {
        this.opening = opening;
        connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA foreign_keys=ON");
            connection.setAutoCommit(false);
            for (String table : TABLES) {
                statement.execute(table);
            }
            statement.execute("INSERT INTO schema_version VALUES (7, datetime('now'), 'pieces')");
        }
        setUp();
        connection.commit();
        connection.setAutoCommit(true);
    }

    private void setUp() throws SQLException {
        try (PreparedStatement piece = connection.prepareStatement(
                "INSERT INTO scenario_setup (piece_id, scenario_id, piece_class, initial_area_id) VALUES (?, 'base', ?, ?)")) {
            for (Map.Entry<Integer, Opening.Piece> entry : opening.pieces.entrySet()) {
                piece.setInt(1, entry.getKey());
                piece.setString(2, entry.getValue().className());
                piece.setInt(3, entry.getValue().area());
                piece.addBatch();
            }
            piece.executeBatch();
        }
        try (PreparedStatement state = connection.prepareStatement(
                "INSERT INTO game_state (game_id, active_player, created_at, updated_at)"
                        + " VALUES (?, 'free_peoples', datetime('now'), datetime('now'))")) {
            state.setString(1, game);
            state.executeUpdate();
        }
        try (PreparedStatement named = connection.prepareStatement(
                "INSERT INTO game_pieces (piece_id, game_id, piece_type, area_id, state_data) VALUES (?, ?, ?, ?, ?)")) {
            named.setString(1, "fellowship");
            named.setString(2, game);
            named.setString(3, "fellowship");
            named.setInt(4, 0);
            named.setString(5, "{\"revealed\":false,\"corruption\":0,\"guide\":\"gandalf\"}");
            named.executeUpdate();
            for (String name : NAMED) {
                named.setString(1, name);
                named.setString(3, "character");
                named.setInt(4, 115);
                named.setString(5, null);
                named.executeUpdate();
            }
        }
    }

    /** Commits where a piece is now. */
    void move(int piece, int area) {
        try (PreparedStatement row = connection.prepareStatement(
                "INSERT OR REPLACE INTO game_pieces (piece_id, game_id, piece_type, area_id, nation_id, state_data)"
                        + " VALUES (?, ?, ?, ?, NULL, '{}')")) {
            row.setInt(1, piece);
            row.setString(2, game);
            row.setString(3, opening.pieces.get(piece).type(piece));
            row.setInt(4, area);
            row.executeUpdate();
        } catch (SQLException exception) {
            // The real client prints a message, and the move is missing from its database.
            System.err.println("piece " + piece + " could not be written: " + exception.getMessage());
        }
    }
}
