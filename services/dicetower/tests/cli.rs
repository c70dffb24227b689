//! The binary as a user meets it: what it prints, what it refuses, how it ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{collections::BTreeSet, fs};

use support::{Line, command, http, run, signal, start, start_service, start_with};
use tempfile::tempdir;
use tokio::net::TcpListener;

#[tokio::test]
async fn it_prints_where_it_is_and_how_to_use_a_real_model() {
    let folder = tempdir().unwrap();
    let tower = start(&folder).await;

    assert!(tower.greeting.starts_with("Dicetower is ready."), "{}", tower.greeting);
    let health = status_of(&format!("{}/health/ready", tower.http)).await;
    assert_eq!(health, 200);
    assert!(folder.path().join("data/dice.db").exists(), "the data lies in ./data");
    assert_eq!(tower.terminate().await, Some(0), "SIGTERM drains and exits with 0");
}

#[tokio::test]
async fn an_interrupt_ends_it_as_well() {
    let folder = tempdir().unwrap();
    let mut tower = start(&folder).await;

    signal(&tower.child, "INT").await;

    assert_eq!(tower.child.wait().await.unwrap().code(), Some(0));
}

/// One clear line and an exit code that is not 0.
async fn refuses(args: &[&str], expected: &str) {
    let folder = tempdir().unwrap();
    let ended = run(folder.path(), args).await;
    assert_eq!(ended.code, Some(1), "{args:?}: {}", ended.stderr);
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("dicetower: ")).collect();
    assert_eq!(lines.len(), 1, "{}", ended.stderr);
    assert!(lines[0].contains(expected), "{args:?}: {}", lines[0]);
}

#[tokio::test]
async fn a_port_in_use_is_told_in_a_line() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refuses(&["--http", &address, "--tcp", "127.0.0.1:0"], &format!("listen on {address} (--http)")).await;
    refuses(&["--tcp", &address, "--http", "127.0.0.1:0"], &format!("listen on {address} (--tcp)")).await;
}

#[tokio::test]
async fn it_does_not_listen_beyond_this_machine_unasked() {
    refuses(&["--http", "0.0.0.0:0", "--tcp", "127.0.0.1:0"], "--allow-open").await;
}

#[tokio::test]
async fn what_it_cannot_work_with_is_told_in_a_line() {
    let ports = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"];
    let with = |more: &[&'static str]| [&ports, more].concat();
    refuses(&with(&["--machine", "nowhere.yaml"]), "nowhere.yaml").await;
    refuses(&with(&["--decider", "mordor=hard"]), "has no side \"mordor\", but: ").await;
    refuses(&with(&["--context", "nowhere.txt"]), "nowhere.txt").await;
    refuses(&with(&["--database-url", "mysql://a/b"]), "DATABASE_URL must begin with postgres://").await;
    refuses(&with(&["--database-url", "postgres://a@127.0.0.1:1/b"]), "open the PostgreSQL database").await;
    refuses(&with(&["--data", "/dev/null/data"]), "data folder").await;
    refuses(&["--http", "no such address", "--tcp", "127.0.0.1:0"], "is not an address").await;
}

#[tokio::test]
async fn a_setting_that_means_nothing_is_refused() {
    let folder = tempdir().unwrap();
    for args in [
        &["--advertise", "foo"][..],
        &["--fsm-advertise", "x"],
        &["--tcp-connections", "0"],
        &["--tcp-connections-per-address", "0"],
        &["--connections-per-address", "0"],
        &["--body-limit", "0"],
        &["token", "make", "--name", "Anna", "--days", "99999999"],
    ] {
        let ended = run(folder.path(), args).await;
        assert_eq!(ended.code, Some(2), "{args:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("invalid value"), "{args:?}: {}", ended.stderr);
    }
    let ports = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"];
    refuses(&[&ports[..], &["--nats", "foo"]].concat(), "--nats is not an address").await;
    refuses(&[&ports[..], &["--nats-prefix", "a..b"]].concat(), "a..b").await;
}

#[tokio::test]
async fn nobody_is_told_that_it_is_ready_before_its_certificate_was_read() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("no.pem"), "no certificate").unwrap();
    let tls = ["--tcp-tls-cert", "no.pem", "--tcp-tls-key", "no.pem"];

    let ended = run(folder.path(), &[&["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"], &tls[..]].concat()).await;

    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("no.pem"), "{}", ended.stderr);
}

#[tokio::test]
async fn what_lies_in_the_data_folder_is_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    start(&folder).await.terminate().await;

    let data = folder.path().join("data");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_command_that_finds_no_data_makes_none() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("no.backup"), "nothing").unwrap();
    let address = "postgres://a@127.0.0.1:1/b";
    for (args, expected) in [
        (&["import", "nofolder", "--database-url", address][..], "there is no data in the folder nofolder"),
        (&["restore", "no.backup"], "this is no backup"),
        (&["export", "Anna"], "there is no data folder data"),
        (&["erase", "Anna"], "there is no data folder data"),
    ] {
        let ended = run(folder.path(), args).await;
        assert_eq!(ended.code, Some(1), "{args:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(expected), "{args:?}: {}", ended.stderr);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the file that was there");
}

#[tokio::test]
async fn who_was_never_there_is_not_erased() {
    let folder = tempdir().unwrap();
    start(&folder).await.terminate().await;

    let ended = run(folder.path(), &["erase", "Nobody"]).await;

    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("nothing is kept of anybody named \"Nobody\""), "{}", ended.stderr);
}

#[tokio::test]
async fn a_data_folder_serves_one_process() {
    let folder = tempdir().unwrap();
    let _tower = start(&folder).await;

    let ended = run(folder.path(), &["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"]).await;

    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("another dicetower is at work in the data folder"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_dotenv_file_is_read_and_the_environment_wins() {
    let folder = tempdir().unwrap();
    fs::write(
        folder.path().join(".env"),
        "DICETOWER_HTTP=127.0.0.1:0\nDICETOWER_TCP=127.0.0.1:0\nDICETOWER_DATA=kept\n",
    )
    .unwrap();

    let tower = start_with(&folder, &[]).await;

    assert!(folder.path().join("kept/dice.db").exists());
    assert_eq!(tower.terminate().await, Some(0));
}

#[tokio::test]
async fn an_unknown_flag_is_refused_with_help() {
    let folder = tempdir().unwrap();
    let ended = run(folder.path(), &["--no-such-flag"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--help"), "{}", ended.stderr);
}

#[tokio::test]
async fn log_files_hold_every_line_with_its_trace() {
    let folder = tempdir().unwrap();
    let args = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--log-dir", "logs"];
    let tower = start_with(&folder, &args).await;
    let trace_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
    let answer =
        http().get(format!("{}/api/character/Platinum", tower.http)).header("x-trace-id", trace_id).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(tower.terminate().await, Some(0));

    let log = fs::read_to_string(folder.path().join("logs/dicetower.log")).unwrap();
    let line = log.lines().find(|line| line.contains("GET /api/character/Platinum")).unwrap();
    assert!(line.contains(&format!("| INFO     | [Trace: {trace_id}] |")), "{line}");
    assert_eq!(fs::read_to_string(folder.path().join("logs/dicetower-errors.log")).unwrap(), "");
}

#[tokio::test]
async fn with_tokens_asked_for_one_opens_the_java_line() {
    let folder = tempdir().unwrap();
    let tower = start_with(&folder, &["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--auth", "token"]).await;
    let made = run(folder.path(), &["token", "make", "--name", "Ann"]).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);

    let mut line = Line::connect(&tower.tcp).await;
    line.send("EVENT:TOGGLE_LOME").await;
    assert_eq!(line.next().await, "ERROR: Not authorised");
    line.send(&format!("AUTH {}", made.stdout.trim())).await;
    assert_eq!(line.next().await, "<game> Connected to FSM server");
    tower.kill().await;
}

#[tokio::test]
async fn metrics_have_a_port_of_their_own_that_asks_nobody() {
    let folder = tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let ports = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--metrics", &free];
    let tower = start_with(&folder, &[&ports[..], &["--auth", "token"]].concat()).await;

    assert_eq!(status_of(&format!("{}/metrics", tower.http)).await, 401);
    assert_eq!(status_of(&format!("http://{free}/")).await, 404);
    let metrics = http().get(format!("http://{free}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("dicetower_build_info"), "{metrics}");
    assert_eq!(tower.terminate().await, Some(0));
}

#[tokio::test]
async fn machines_are_checked_and_drawn() {
    let folder = tempdir().unwrap();
    let checked = run(folder.path(), &["machine", "check", "war-of-the-ring"]).await;
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    let drawn = run(folder.path(), &["machine", "draw", "document"]).await;
    assert!(drawn.stdout.contains("GAME_START"), "{}", drawn.stdout);
    let picture =
        run(folder.path(), &["machine", "draw", "document", "--format", "svg", "--state", "GAME_START"]).await;
    assert!(picture.stdout.starts_with("<svg") && picture.stdout.contains("state current"), "{}", picture.stdout);

    fs::write(
        folder.path().join("bad.json"),
        r#"{"initial_state": "A", "states": {"A": {"transitions": {"GO": "B"}}}}"#,
    )
    .unwrap();
    let refused = run(folder.path(), &["machine", "check", "bad.json"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stdout.contains("bad.json:1: ") && refused.stderr.contains("cannot be played"),
        "{}",
        refused.stdout
    );
}

async fn status_of(url: &str) -> u16 {
    http().get(url).send().await.unwrap().status().as_u16()
}

/// The variables that a command's help tells.
async fn variables(args: &[&str]) -> BTreeSet<String> {
    let help = run(tempdir().unwrap().path(), &[args, &["--help"]].concat()).await.stdout;
    let named = help.split("[env: ").skip(1).filter_map(|rest| rest.split_once('='));
    named.map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn a_variable_that_is_empty_is_as_good_as_none() {
    let tower = variables(&[]).await;
    let lists = ["DICETOWER_ALLOW_ORIGIN", "DICETOWER_TRUSTED_PROXY", "DICETOWER_DECIDERS", "LLM_PRICES"];
    assert!(lists.iter().all(|list| tower.contains(*list)), "{tower:?}");
    for service in [&["dice", "--listen", "127.0.0.1:0"][..], &["gateway", "--http", "127.0.0.1:0"]] {
        let names = variables(&service[..1]).await;
        let empty: Vec<(&str, &str)> = tower.union(&names).map(|name| (name.as_str(), "")).collect();
        let folder = tempdir().unwrap();
        let (mut child, _) = start_service(&folder, service, &empty).await;
        child.kill().await.unwrap();
    }
    let folder = tempdir().unwrap();
    let empty = tower.iter().map(|name| (name, ""));
    let checked = command(folder.path(), &["machine", "check", "/nowhere"]).envs(empty).output().await.unwrap();
    assert_eq!(checked.status.code(), Some(1), "{}", String::from_utf8_lossy(&checked.stderr));
}
