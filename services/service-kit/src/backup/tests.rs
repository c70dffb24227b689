//! What is backed up comes back, from either database into either; what is not whole is refused.

use std::fs;

use super::*;
use crate::{
    db::{Statement, Value},
    testing::TestDatabase,
};

const FIRST: &str = "CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, size BIGINT, note TEXT);";
const SECOND: &str = "ALTER TABLE notes ADD COLUMN mark BIGINT NOT NULL DEFAULT 7;";
const INSERT: &str = "INSERT INTO notes (id, size, note) VALUES ($1, $2, $3)";

/// One service calls the other.
const SCHEMAS: [Schema; 2] =
    [Schema { service: "kit_caller", migrations: &[FIRST] }, Schema { service: "kit_callee", migrations: &[FIRST] }];
/// The same a version later.
const LATER: [Schema; 2] = [
    Schema { service: "kit_caller", migrations: &[FIRST, SECOND] },
    Schema { service: "kit_callee", migrations: &[FIRST, SECOND] },
];

async fn open(database: &DatabaseConfig, schema: &Schema) -> Db {
    Db::open(database, schema.service, schema.migrations).await.unwrap()
}

fn note(id: &str, size: Option<i64>, note: Option<&str>) -> Statement {
    Statement::new(INSERT, vec![id.into(), size.into(), Value::Text(note.map(str::to_owned))])
}

/// A database with something awkward in each table.
async fn filled(database: &TestDatabase, schemas: &[Schema]) {
    for schema in schemas {
        let db = open(&database.config, schema).await;
        let rows = vec![
            note("none", None, None),
            note("least", Some(i64::MIN), Some("")),
            note("most", Some(i64::MAX), Some("\u{1f3b2} \"quoted\" \\ 'and' \n a new line")),
            note("12", Some(0), Some("34")),
        ];
        db.write(rows).await.unwrap();
        db.close().await;
    }
}

async fn notes(database: &DatabaseConfig, schema: &Schema) -> Vec<crate::db::Row> {
    let db = open(database, schema).await;
    let mut rows = db.fetch("SELECT id, size, note FROM notes", vec![]).await.unwrap();
    rows.sort_by_key(|row| row.text(0));
    rows
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evening.backup");
    (folder, file)
}

/// A backup of a filled SQLite folder.
async fn some_backup(schemas: &[Schema]) -> (tempfile::TempDir, PathBuf) {
    let (folder, file) = file();
    let source = TestDatabase::sqlite();
    filled(&source, schemas).await;
    write(&source.config, schemas, &file).await.unwrap();
    (folder, file)
}

#[tokio::test]
async fn what_was_backed_up_comes_back_on_either_database() {
    for source in TestDatabase::each().await {
        filled(&source, &SCHEMAS).await;
        let (_folder, file) = file();
        let written = write(&source.config, &SCHEMAS, &file).await.unwrap();
        assert_eq!(written.rows(), 8);
        assert_eq!(check(&file, &SCHEMAS).unwrap(), written);

        for target in TestDatabase::each().await {
            restore(&file, &target.config, &SCHEMAS).await.unwrap();
            for schema in &SCHEMAS {
                assert_eq!(notes(&target.config, schema).await, notes(&source.config, schema).await);
            }
        }
    }
}

#[tokio::test]
async fn a_backup_of_an_earlier_version_is_brought_up_to_date() {
    let (_folder, file) = some_backup(&SCHEMAS).await;
    for target in TestDatabase::each().await {
        restore(&file, &target.config, &LATER).await.unwrap();

        let db = open(&target.config, &LATER[0]).await;
        let rows = db.fetch("SELECT COUNT(*) FROM notes WHERE mark = 7", vec![]).await.unwrap();
        assert_eq!(rows[0].integer(0), 4);
    }
}

#[tokio::test]
async fn a_backup_of_a_later_version_is_refused() {
    let (_folder, file) = some_backup(&LATER).await;
    let target = TestDatabase::sqlite();

    let refused = restore(&file, &target.config, &SCHEMAS).await.unwrap_err().to_string();

    assert!(refused.contains("is of version 2, and this program knows no later one than 1"), "{refused}");
}

#[tokio::test]
async fn data_of_a_later_version_is_not_opened() {
    for database in TestDatabase::each().await {
        open(&database.config, &LATER[0]).await.close().await;

        let refused = Db::open(&database.config, "kit_caller", SCHEMAS[0].migrations).await.err().unwrap();

        assert!(format!("{refused:#}").contains("this program knows no later one than 1"), "{refused:#}");
    }
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_written() {
    let (_folder, file) = some_backup(&SCHEMAS).await;
    let whole = fs::read_to_string(&file).unwrap();
    let target = TestDatabase::sqlite();
    let last_line = whole.trim_end().rfind('\n').unwrap();
    let damaged = [
        whole.replacen("least", "lease", 1),
        whole.replacen("[\"12\",0,\"34\"]\n", "", 1),
        whole[..=last_line].to_owned(),
        whole[..whole.len() / 2].to_owned(),
        format!("{whole}[]\n"),
        "{}\n".to_owned(),
        String::new(),
    ];
    for text in damaged {
        assert_ne!(text, whole);
        fs::write(&file, text).unwrap();
        assert!(restore(&file, &target.config, &SCHEMAS).await.is_err());
    }
    assert_eq!(notes(&target.config, &SCHEMAS[0]).await, vec![]);
}

#[tokio::test]
async fn a_backup_of_another_form_is_refused() {
    let (_folder, file) = some_backup(&SCHEMAS).await;
    let other = fs::read_to_string(&file).unwrap().replacen("\"dicetower_backup\":1", "\"dicetower_backup\":2", 1);
    fs::write(&file, other).unwrap();

    let refused = check(&file, &SCHEMAS).unwrap_err().to_string();

    assert!(refused.contains("version 2, and this program reads version 1"), "{refused}");
}

#[tokio::test]
async fn what_is_there_is_not_overwritten() {
    let (_folder, file) = some_backup(&SCHEMAS).await;
    for target in TestDatabase::each().await {
        filled(&target, &SCHEMAS).await;

        let refused = restore(&file, &target.config, &SCHEMAS).await.unwrap_err().to_string();
        assert!(refused.contains("holds data of kit_caller already"), "{refused}");
        let refused = write(&target.config, &SCHEMAS, &file).await.unwrap_err().to_string();
        assert!(refused.contains("does not overwrite"), "{refused}");
    }
}

#[tokio::test]
async fn nothing_is_no_backup() {
    for database in TestDatabase::each().await {
        let (_folder, file) = file();
        let refused = write(&database.config, &SCHEMAS, &file).await.unwrap_err().to_string();
        assert!(refused.contains("there is no data to back up"), "{refused}");
    }
}

// Whoever writes waits in his thread; the backup needs another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_caller_knows_to_be_done_is_in_the_backup() {
    for database in TestDatabase::each().await {
        let (caller, callee) = (open(&database.config, &SCHEMAS[0]).await, open(&database.config, &SCHEMAS[1]).await);
        let stop = tokio_util::sync::CancellationToken::new();
        let stopped = stop.clone();
        let (first, begun) = tokio::sync::oneshot::channel();
        let busy = tokio::spawn(async move {
            let mut first = Some(first);
            let mut number = 0;
            while !stopped.is_cancelled() {
                for db in [&callee, &caller] {
                    db.write(vec![note(&number.to_string(), None, None)]).await.unwrap();
                }
                number += 1;
                if let Some(first) = first.take() {
                    first.send(()).unwrap();
                }
                tokio::task::yield_now().await;
            }
        });
        begun.await.unwrap();

        let (_folder, file) = file();
        let contents = write(&database.config, &SCHEMAS, &file).await.unwrap();
        stop.cancel();
        busy.await.unwrap();

        let rows = |table: &str| contents.tables[table].rows;
        let (caller, callee) = (rows("kit_caller.notes"), rows("kit_callee.notes"));
        assert!(caller <= callee && callee <= caller + 1, "{caller} of the caller, {callee} of the callee");
    }
}
