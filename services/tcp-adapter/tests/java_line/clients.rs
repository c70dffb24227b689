//! Several connections: roles, other games, what stays and what starts anew.

use proto::fsm::v1::ListGamesRequest;

use crate::harness::{Client, Server, machine, states, valid_events};

#[tokio::test]
async fn the_first_connection_is_the_host_and_only_it_may_toggle() {
    let server = Server::start().await;
    let mut host = server.client().await;
    let mut client = Client::connect(server.address).await;

    let greeting = client.greeting().await;
    assert!(valid_events(&greeting).iter().all(|event| !event.contains("TOGGLE")), "{greeting:?}");
    assert_eq!(client.answer("EVENT:TOGGLE_WOME").await, "ERROR: Host only: 'TOGGLE_WOME'");
    assert_eq!(states(&host.answers("EVENT:TOGGLE_WOME").await), ["SETUP_GAME_OPTIONS"]);
}

#[tokio::test]
async fn a_refusal_is_told_to_its_sender_alone() {
    let server = Server::start().await;
    let mut host = server.client().await;
    let mut client = server.client().await;
    client.answer("EVENT:TEST_EVENT").await;
    assert_eq!(host.answers("").await, Vec::<String>::new());
}

#[tokio::test]
async fn when_the_host_goes_the_oldest_that_is_left_takes_its_place() {
    let server = Server::start().await;
    let host = server.client().await;
    let mut second = server.client().await;
    let mut third = server.client().await;

    drop(host);

    let told = second.until(|line| line.starts_with("<valid_events>")).await;
    assert!(valid_events(&told).contains(&"TOGGLE_WOME"), "{told:?}");
    assert_eq!(states(&second.answers("EVENT:TOGGLE_WOME").await), ["SETUP_GAME_OPTIONS"]);
    third.answers("").await;
    assert_eq!(third.answer("EVENT:TOGGLE_WOME").await, "ERROR: Host only: 'TOGGLE_WOME'");
}

#[tokio::test]
async fn what_one_sends_all_are_told_in_the_same_order() {
    let server = Server::start().await;
    let mut host = server.client().await;
    let mut client = server.client().await;

    let told_host = host.play(&["GAME_OPTIONS_CONFIRMED"]).await;
    let told_client = client.until(|line| line.starts_with("<valid_events>")).await;

    assert_eq!(states(&told_host), states(&told_client));
    assert!(told_host.iter().any(|line| line.starts_with("<fsm> ")), "the host is shown the menu");
    assert!(told_client.iter().all(|line| !line.starts_with("<fsm> ") && !line.starts_with('$')), "{told_client:?}");
}

#[tokio::test]
async fn two_that_send_at_once_never_race() {
    let server = Server::start().await;
    let mut first = server.client().await;
    let mut second = server.client().await;

    first.send("EVENT:GAME_OPTIONS_CONFIRMED").await;
    second.send("EVENT:GAME_OPTIONS_CONFIRMED").await;
    let (first, second) = (first.answers("").await, second.answers("").await);

    let starts = |lines: &[String]| states(lines).into_iter().filter(|state| *state == "TURN_START").count();
    let refused = |lines: &[String]| lines.iter().filter(|line| line.starts_with("ERROR")).count();
    assert_eq!(refused(&first) + refused(&second), 1, "{first:?} {second:?}");
    assert_eq!(starts(&first).max(starts(&second)), 1);
}

#[tokio::test]
async fn a_connection_goes_to_another_game_and_leaves_the_first_alone() {
    let server = Server::start().await;
    let mut walker = server.client().await;
    let mut stayer = server.client().await;
    walker.play(&["GAME_OPTIONS_CONFIRMED"]).await;

    walker.send("GAME friday").await;
    let greeting = walker.greeting().await;
    assert_eq!(greeting[0], "<game> Connected to FSM server");
    assert_eq!(states(&greeting), ["SETUP_GAME_OPTIONS"]);
    assert!(valid_events(&greeting).contains(&"TOGGLE_LOME"), "it is the new game's host");

    walker.play(&["TOGGLE_LOME"]).await;
    let told = stayer.answers("").await;
    assert!(!states(&told).contains(&"SETUP_GAME_OPTIONS"), "the other game is not heard here: {told:?}");

    walker.send("GAME friday").await;
    let again = walker.greeting().await;
    assert_eq!(states(&again), ["SETUP_GAME_OPTIONS"]);
    assert!(valid_events(&again).contains(&"TOGGLE_LOME"), "it is its host still: {again:?}");
    let told = walker.answers("").await;
    assert!(told.is_empty(), "nothing is told twice: {told:?}");
}

#[tokio::test]
async fn leaving_for_another_game_starts_no_grace() {
    let server = Server::grace("0").await;
    let mut client = server.client().await;
    client.play(&["GO"]).await;

    client.send("GAME other").await;
    client.greeting().await;
    drop(client);

    let mut back = Client::connect(server.address).await;
    assert_eq!(states(&back.greeting().await), ["B"]);
}

#[tokio::test]
async fn within_the_grace_a_game_is_as_it_was() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.play(&["GAME_OPTIONS_CONFIRMED"]).await;
    let state = server.state().await;
    drop(client);

    let mut back = Client::connect(server.address).await;
    assert_eq!(states(&back.greeting().await), [state.as_str()]);
}

#[tokio::test]
async fn after_the_grace_the_game_starts_anew_and_the_old_one_can_be_taken_up() {
    let server = Server::grace("0").await;
    let mut client = server.client().await;
    client.play(&["GO"]).await;
    drop(client);

    let archived = loop {
        let games = server.fsm.clone().list_games(ListGamesRequest { limit: None }).await.unwrap().into_inner().games;
        if let Some(game) = games.into_iter().find(|game| !game.archived_from.is_empty()) {
            break game;
        }
        tokio::task::yield_now().await;
    };

    let mut back = Client::connect(server.address).await;
    assert_eq!(states(&back.greeting().await), ["A"]);
    back.send(&format!("GAME {}", archived.game_id)).await;
    assert_eq!(states(&back.greeting().await), ["B"]);
}

impl Server {
    /// Two states and this grace, in seconds.
    async fn grace(seconds: &str) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"initial_state": "A", "grace": {grace}, "states": {
            "A": {"valid_events": ["GO"], "transitions": {"GO": "B"}},
            "B": {"valid_events": ["BACK"], "transitions": {"BACK": "A"}}}}"#;
        machine(&folder, &text.replace("{grace}", seconds));
        let config = tcp_adapter::Config::default();
        Server::configured(folder, &["--machine", "{folder}/machine.json"], config).await
    }
}
