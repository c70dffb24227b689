// The client's line to the server: a thread that listens, and dies of any exception as the real one does.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A connection; lines are read in the JVM's own character set, and nothing is ever retried. */
final class FsmLine extends Thread {
    private final Socket socket;
    private final BufferedReader in;
    private final PrintWriter out;
    private final Interpreter interpreter;

    private final List<String> received = new ArrayList<>();
    private final List<String> states = new ArrayList<>();
    private final List<String> errors = new ArrayList<>();
    private String[] validEvents = {};
    private int rests;
    private Exception death;
    private boolean closed;
    private boolean toleratesLateness;

    FsmLine(String host, int port, Board board) throws IOException {
        socket = new Socket(host, port);
        in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
        out = new PrintWriter(socket.getOutputStream(), true);
        interpreter = new Interpreter(board, () -> sendEvent("PIECE_MOVED"));
        setDaemon(true);
        start();
    }

    @Override
    public void run() {
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                hear(line);
            }
            end(null);
        } catch (Exception exception) {
            // The real listener ends here too, and its socket stays open.
            end(exception);
        }
    }

    private synchronized void hear(String line) {
        received.add(line);
        if (line.startsWith("<state> ")) {
            states.add(line.substring("<state> ".length()));
        }
        if (line.startsWith("ERROR:") && !(toleratesLateness && line.startsWith("ERROR: Invalid state transition"))) {
            errors.add(line);
        }
        if (line.startsWith("<valid_events>")) {
            String list = line.substring("<valid_events>".length());
            validEvents = list.isBlank() ? new String[0] : list.substring(1).split(",");
            rests++;
            interpreter.execute("<auto> Valid actions: " + String.join(", ", validEvents));
        } else {
            interpreter.execute(line);
        }
        notifyAll();
    }

    private synchronized void end(Exception exception) {
        death = exception;
        closed = true;
        notifyAll();
    }

    /** From now on an event that comes when its state is over is no complaint. */
    synchronized void tolerateLateness() {
        toleratesLateness = true;
    }

    /** Waits for any line, at most so long. */
    synchronized void awaitNews(long timeoutMs) throws InterruptedException {
        int before = received.size();
        long until = System.currentTimeMillis() + timeoutMs;
        for (long left = timeoutMs; received.size() == before && !closed && 0 < left; left = until - System.currentTimeMillis()) {
            wait(left);
        }
    }

    /** The number that the last line of this form tells, or 0. */
    synchronized int number(String form) {
        Pattern pattern = Pattern.compile(form);
        for (int i = received.size() - 1; i >= 0; i--) {
            Matcher matcher = pattern.matcher(received.get(i));
            if (matcher.find()) {
                return Integer.parseInt(matcher.group(1));
            }
        }
        return 0;
    }

    /** Sends `EVENT:` and the text, a name and perhaps its data. */
    void sendEvent(String event) {
        send("EVENT:" + event);
    }

    void send(String line) {
        synchronized (out) {
            out.println(line);
        }
    }

    /** Waits until the server has rested more than `before` times. */
    synchronized boolean awaitRest(int before, long timeoutMs) throws InterruptedException {
        long until = System.currentTimeMillis() + timeoutMs;
        while (rests <= before && !closed && errors.isEmpty()) {
            long left = until - System.currentTimeMillis();
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return rests > before;
    }

    /** Waits until the server has refused an event with this line, which is then no complaint. */
    synchronized boolean awaitRefusal(String refusal, long timeoutMs) throws InterruptedException {
        long until = System.currentTimeMillis() + timeoutMs;
        while (!errors.remove(refusal)) {
            long left = until - System.currentTimeMillis();
            if (closed || left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }

    synchronized int rests() {
        return rests;
    }

    synchronized String state() {
        return states.isEmpty() ? "" : states.get(states.size() - 1);
    }

    synchronized long entered(String state) {
        return states.stream().filter(state::equals).count();
    }

    synchronized List<String> validEvents() {
        return List.of(validEvents);
    }

    /** Why the line is not as it should be, or null. */
    synchronized String complaint() {
        if (death != null) {
            return "the listener died: " + death;
        }
        if (closed) {
            return "the server closed the line";
        }
        if (!interpreter.mischief.isEmpty()) {
            return "text acted on the game: " + interpreter.mischief;
        }
        return errors.isEmpty() ? null : "the server answered " + errors;
    }

    synchronized String summary() {
        return received.size() + " lines, " + interpreter.chat.size() + " of them shown, " + interpreter.draws
                + " cards drawn, " + interpreter.recoveries + " recoveries, " + interpreter.rolls + " dice rolled, "
                + interpreter.allocations + " Eyes allocated, turn marker at " + interpreter.turnMarker;
    }

    synchronized List<String> received() {
        return List.copyOf(received);
    }
}
