// Folds the frames of a session: each is shown once, whichever way and however often it comes.

/// What of a session's log has been seen. The pieces of one narration share its `seq` and tell by `offset`, in
/// characters, where they belong; every other logged frame has a `seq` of its own.
export class SessionLog {
  lastSeq = 0;
  #seen = new Set();
  #told = new Map(); // Characters seen of a narration, by its seq.
  #open = new Map(); // The narration a turn is still telling, by turn.

  /// The frame if it is new, the new part of it if it overlaps what is known, or null.
  accept(frame) {
    const { seq } = frame;
    if (!seq) return frame;
    this.lastSeq = Math.max(this.lastSeq, seq);
    if (frame.type === "narrative") return this.#acceptPiece(frame);

    if (this.#open.get(frame.turn_id) !== seq) this.#open.delete(frame.turn_id);
    if (this.#seen.has(seq)) return null;
    this.#seen.add(seq);
    if (frame.type === "retract") this.#told.delete(frame.retracted_seq);
    return frame;
  }

  #acceptPiece(frame) {
    this.#open.set(frame.turn_id, frame.seq);
    const told = this.#told.get(frame.seq) ?? 0;
    const characters = Array.from(frame.content);
    const offset = frame.offset ?? told;
    const fresh = characters.slice(Math.max(0, told - offset));
    if (fresh.length === 0) return null;
    this.#told.set(frame.seq, Math.max(told, offset) + fresh.length);
    return { ...frame, content: fresh.join("") };
  }

  /// Where to resume: before the oldest narration that may still go on, else after the last frame.
  resumeAfter() {
    return Math.min(this.lastSeq, ...Array.from(this.#open.values(), (seq) => seq - 1));
  }
}
