//! Compares what clients saw with what is in the logs. It knows nothing of the deployment, so that it can be tried itself.

use std::collections::{BTreeMap, BTreeSet};

/// What one player saw and was told.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub name: String,
    pub session: String,
    /// What he said, each text once in the whole run.
    pub sent: BTreeSet<String>,
    /// Of that, what was answered to its end.
    pub acknowledged: BTreeSet<String>,
    pub connections: Vec<Connection>,
}

/// One connection of his, from the moment it told him where it goes on.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// It shows what follows this number.
    pub after: u64,
    /// In the order they came.
    pub seen: Vec<Seen>,
}

/// A frame of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub seq: u64,
    /// Characters of a narration before this part of it.
    pub offset: u64,
    /// What tells it from any other frame: its type and turn, and what it rolled.
    pub what: String,
}

/// An event as the log has it.
#[derive(Clone, Debug)]
pub struct Logged {
    pub seen: Seen,
    /// What a player said, if it is that.
    pub message: Option<String>,
    /// The narration that it withdraws, if it does.
    pub retracts: Option<u64>,
}

/// What a client of the Java line sent and was told.
#[derive(Clone, Debug, Default)]
pub struct LineRecord {
    pub game: String,
    pub sent: usize,
    pub acknowledged: usize,
}

/// What is wrong with the sessions; nothing, if all is well.
pub fn sessions(records: &[Record], logs: &BTreeMap<String, Vec<Logged>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (session, log) in logs {
        wrong.extend(log_has_no_gap(session, log));
    }
    let nothing = Vec::new();
    for record in records {
        let log = logs.get(&record.session).unwrap_or(&nothing);
        wrong.extend(messages(record, log));
        wrong.extend(frames(record, log));
    }
    wrong
}

/// What is wrong with a game whose log has these sequence numbers.
pub fn game(record: &LineRecord, log: &[u64]) -> Vec<String> {
    let LineRecord { game, sent, acknowledged } = record;
    let mut wrong = Vec::new();
    for (due, is) in (1..).zip(log) {
        if due != *is {
            wrong.push(format!("game {game}: the log has {is} where {due} is due"));
            break;
        }
    }
    if log.len() < *acknowledged {
        wrong.push(format!(
            "game {game}: {acknowledged} events were acknowledged, and {} are in the log: lost",
            log.len()
        ));
    }
    if *sent < log.len() {
        wrong.push(format!("game {game}: {sent} events were sent, and {} are in the log: doubled", log.len()));
    }
    wrong
}

fn log_has_no_gap(session: &str, log: &[Logged]) -> Vec<String> {
    let retracted: BTreeSet<u64> = log.iter().filter_map(|logged| logged.retracts).collect();
    let mut wrong = Vec::new();
    let mut last = (0, 0);
    for logged in log {
        let here = (logged.seen.seq, logged.seen.offset);
        if last.0 != 0 && here <= last {
            wrong.push(format!("session {session}: the log has {here:?} after {last:?}"));
        }
        for missing in (last.0 + 1..here.0).filter(|seq| !retracted.contains(seq)) {
            wrong.push(format!("session {session}: the log has no {missing}"));
        }
        last = here;
    }
    wrong
}

/// What was acknowledged is in the log once, and what was sent not more than once.
fn messages(record: &Record, log: &[Logged]) -> Vec<String> {
    let mut wrong = Vec::new();
    for text in &record.sent {
        let times = log.iter().filter(|logged| logged.message.as_ref() == Some(text)).count();
        if 1 < times {
            wrong.push(format!("{}: {text:?} is in the log {times} times: doubled", record.name));
        }
        if times == 0 && record.acknowledged.contains(text) {
            wrong.push(format!("{}: {text:?} was acknowledged and is not in the log: lost", record.name));
        }
    }
    wrong
}

/// Each connection shows the log in its order, without a gap, and nothing that is not in it.
fn frames(record: &Record, log: &[Logged]) -> Vec<String> {
    let name = &record.name;
    let by_seq: BTreeMap<u64, &Logged> = log.iter().map(|logged| (logged.seen.seq, logged)).collect();
    let retracted: BTreeSet<u64> = log.iter().filter_map(|logged| logged.retracts).collect();
    // One's own words do not come back on the connection that said them.
    let is_own = |seq: &u64| {
        by_seq.get(seq).is_some_and(|logged| logged.message.as_ref().is_some_and(|text| record.sent.contains(text)))
    };
    let mut wrong = Vec::new();
    for connection in &record.connections {
        let mut last = (connection.after, u64::MAX);
        for seen in &connection.seen {
            let here = (seen.seq, seen.offset);
            if here == last {
                wrong.push(format!("{name}: {here:?} came twice: doubled"));
            } else if here < last {
                wrong.push(format!("{name}: {here:?} came after {last:?}: reordered"));
            }
            for missing in (last.0 + 1..here.0).filter(|seq| !is_own(seq) && !retracted.contains(seq)) {
                let what = by_seq.get(&missing).map_or("which is not in the log", |logged| &logged.seen.what);
                wrong.push(format!("{name}: {missing} ({what}) did not come, and nobody said so: a silent gap"));
            }
            match by_seq.get(&seen.seq) {
                Some(logged) if logged.seen.what == seen.what => {}
                _ if retracted.contains(&seen.seq) => {}
                Some(logged) => {
                    let (came, is) = (&seen.what, &logged.seen.what);
                    wrong.push(format!("{name}: {} came as {came:?}, and the log has {is:?}", seen.seq));
                }
                None => wrong.push(format!("{name}: {} ({}) came and is not in the log: lost", seen.seq, seen.what)),
            }
            last = here;
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, what: &str) -> Logged {
        let seen = Seen { seq, offset: 0, what: what.to_owned() };
        Logged { seen, message: None, retracts: None }
    }

    fn said(seq: u64, text: &str) -> Logged {
        Logged { message: Some(text.to_owned()), ..event(seq, "player_message") }
    }

    fn narrated(seq: u64, offset: u64) -> Logged {
        let logged = event(seq, "narrative");
        Logged { seen: Seen { offset, ..logged.seen }, ..logged }
    }

    /// A log, and a player who saw all of it over two connections.
    fn all_is_well() -> (Record, Vec<Logged>) {
        let log = vec![
            event(1, "presence"),
            said(2, "I shoot"),
            event(3, "processing"),
            narrated(4, 0),
            narrated(4, 10),
            event(5, "complete"),
        ];
        let seen = |range: std::ops::Range<usize>| -> Vec<Seen> {
            log[range].iter().filter(|logged| logged.message.is_none()).map(|logged| logged.seen.clone()).collect()
        };
        let connections = vec![Connection { after: 0, seen: seen(0..3) }, Connection { after: 3, seen: seen(3..6) }];
        let texts = BTreeSet::from(["I shoot".to_owned()]);
        let record = Record {
            name: "Ann".into(),
            session: "evening".into(),
            sent: texts.clone(),
            acknowledged: texts,
            connections,
        };
        (record, log)
    }

    #[track_caller]
    fn check(record: Record, log: Vec<Logged>, expected: &[&str]) {
        let logs = BTreeMap::from([("evening".to_owned(), log)]);
        let wrong = sessions(&[record], &logs);
        assert_eq!(wrong.len(), expected.len(), "{wrong:#?}");
        for (wrong, expected) in wrong.iter().zip(expected) {
            assert!(wrong.contains(expected), "{wrong}");
        }
    }

    #[test]
    fn where_all_is_well_nothing_is_found() {
        let (record, log) = all_is_well();
        check(record, log, &[]);
    }

    #[test]
    fn a_lost_message_is_found() {
        let (record, mut log) = all_is_well();
        log[1].message = None;
        check(
            record,
            log,
            &["\"I shoot\" was acknowledged and is not in the log: lost", "2 (player_message) did not come"],
        );
    }

    #[test]
    fn a_lost_end_of_the_log_is_found() {
        let (record, mut log) = all_is_well();
        log.pop();
        check(record, log, &["5 (complete) came and is not in the log: lost"]);
    }

    #[test]
    fn a_doubled_message_is_found() {
        let (record, mut log) = all_is_well();
        log.push(said(6, "I shoot"));
        check(record, log, &["is in the log 2 times: doubled"]);
    }

    #[test]
    fn a_doubled_frame_is_found() {
        let (mut record, log) = all_is_well();
        let again = record.connections[0].seen[1].clone();
        record.connections[0].seen.push(again);
        check(record, log, &["(3, 0) came twice: doubled"]);
    }

    #[test]
    fn reordered_frames_are_found() {
        let (mut record, log) = all_is_well();
        record.connections[1].seen.swap(0, 1);
        check(record, log, &["(4, 0) came after (4, 10): reordered"]);
    }

    #[test]
    fn a_silent_gap_is_found() {
        let (mut record, log) = all_is_well();
        record.connections[1].seen.drain(0..2);
        check(record, log, &["4 (narrative) did not come, and nobody said so: a silent gap"]);
    }

    #[test]
    fn a_gap_in_the_log_is_found() {
        let (mut record, mut log) = all_is_well();
        log.remove(2);
        record.connections[0].seen.pop();
        check(record, log, &["the log has no 3"]);
    }

    #[test]
    fn another_frame_than_the_log_has_is_found() {
        let (mut record, log) = all_is_well();
        record.connections[1].seen[2].what = "complete of another turn".into();
        check(record, log, &["5 came as"]);
    }

    #[test]
    fn a_narration_that_was_withdrawn_is_no_loss() {
        let (record, mut log) = all_is_well();
        log.drain(3..5);
        log.push(Logged { retracts: Some(4), ..event(6, "retract") });
        check(record, log, &[]);
    }

    #[test]
    fn events_of_a_game_are_found_lost_and_doubled() {
        let record = LineRecord { game: "one".into(), sent: 3, acknowledged: 2 };
        assert!(game(&record, &[1, 2]).is_empty());
        assert!(game(&record, &[1, 2, 3]).is_empty());
        assert!(game(&record, &[1])[0].ends_with("lost"));
        assert!(game(&record, &[1, 2, 3, 4])[0].ends_with("doubled"));
        assert!(game(&record, &[1, 3])[0].contains("has 3 where 2 is due"));
    }
}
