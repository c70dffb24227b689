//! A person who has played takes along what is kept of him, and takes it away.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::Value;
use service_kit::testing::TestDatabase;
use support::{run, say, start_with, succeed};
use tempfile::tempdir;

const PORTS: [&str; 4] = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"];
const WORDS: &str = "I, Quentin, look around the warehouse for guards";

/// Lines of a backup of everything that hold a text, plainly or as protobuf in hexadecimal; not what was narrated.
async fn lines_with(folder: &std::path::Path, database: &[&str], file: &str, text: &str) -> Vec<String> {
    // It also plays all of it again.
    succeed(folder, &[&["backup", file], database].concat()).await;
    let hexadecimal: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let all = std::fs::read_to_string(folder.join(file)).unwrap();
    let is_told = |line: &str| line.contains("narrative") || line.contains("complete");
    let lines = all.lines().filter(|line| line.contains(text) || line.contains(&hexadecimal));
    lines.filter(|line| !is_told(line)).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_person_takes_along_what_is_kept_of_him_and_takes_it_away() {
    for database in TestDatabase::each().await {
        let url = database.url().map(str::to_owned);
        let database: Vec<&str> = url.iter().flat_map(|url| ["--database-url", url]).collect();
        let (folder, lease) = (tempdir().unwrap(), ["--lease", "2"]);
        let folder_of = folder.path();
        let tower = start_with(&folder, &[&PORTS, &database[..], &lease].concat()).await;
        say(&tower, "Quentin", WORDS).await;
        say(&tower, "Anna", "I shoot the ganger with my Ares Predator at 10 metres").await;
        let erase = [&["erase", "Quentin"], &database[..]].concat();

        let refused = run(folder_of, &erase).await;
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        assert!(refused.stderr.contains("is at work"), "{}", refused.stderr);
        assert_eq!(tower.terminate().await, Some(0));

        let exported = succeed(folder_of, &[&["export", "Quentin"], &database[..]].concat()).await;
        let exported: Value = serde_json::from_str(&exported).unwrap();
        assert!(exported["rolls"].as_array().is_some_and(|rolls| !rolls.is_empty()), "{exported}");
        assert!(exported["events"].to_string().contains("tool_call"), "{exported}");
        assert!(!lines_with(folder_of, &database, "before", "Quentin").await.is_empty());

        let told = succeed(folder_of, &erase).await;
        assert!(told.starts_with("Quentin is erased from"), "{told}");

        assert_eq!(lines_with(folder_of, &database, "after", "Quentin").await, Vec::<String>::new());
        assert_ne!(lines_with(folder_of, &database, "again", "Anna").await, Vec::<String>::new());
        assert_eq!(run(folder_of, &erase).await.code, Some(1), "nothing is left");
    }
}
