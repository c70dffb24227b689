//! `dicetower eval`: scripted campaigns against a game master, marked by what its turns did.
//!
//! A tower without ports is started on data of its own, the campaigns are played through the orchestrator as players
//! would, and `score` marks the frames of each turn. It knows only what every player sees.

mod campaigns;
mod score;

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context as _;
use clap::Args;
use fake_model::FakeModel;
use proto::{
    character::v1::GetSustainedSpellsRequest,
    frame,
    orchestrator::v1::{
        AddCharacterRequest, ChatRequest, CreateSessionRequest, GetSessionRequest, SubscribeRequest,
        orchestrator_service_client::OrchestratorServiceClient,
    },
    structs,
};
use serde_json::{Map, Value, json};
use service_kit::{Peers, Transport, client::in_process, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;

use self::{
    campaigns::{Campaign, Step},
    score::{After, Score},
};

/// Longer than any turn may last.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Who is tried, and how it is told.
#[derive(Args, Clone, Debug)]
pub struct EvalArgs {
    /// house, hostile (the built-in hostile model), or configured: the model of --llm-url and --llm-model, or the house
    /// if there is none.
    #[arg(long, default_value = "configured", value_parser = ["configured", "house", "hostile"])]
    pub game_master: String,
    /// How often each campaign is played.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeat: u32,
    /// JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Fails if the total is below this, in hundredths.
    #[arg(long)]
    pub least: Option<f64>,
    /// The orchestrator's own settings, the model among them.
    #[command(flatten)]
    pub orchestrator: orchestrator::Config,
}

/// The marks of a campaign.
#[derive(Debug)]
pub struct Marked {
    pub campaign: &'static str,
    pub score: Score,
    pub took: Duration,
}

/// Plays and marks, and writes the marks to standard output.
///
/// # Errors
///
/// The services cannot be started, a turn does not end, or the total is below `--least`.
pub async fn run(args: EvalArgs) -> anyhow::Result<()> {
    let (who, marked) = marks(&args).await?;
    let mut all = Score::default();
    marked.iter().for_each(|marked| all += marked.score);
    crate::tell(&if args.json { json_of(&who, &marked, &all).to_string() } else { table_of(&who, &marked, &all) })?;
    if let Some(least) = args.least {
        anyhow::ensure!(least <= all.total(), "the total is {:.1}, and {least} was wanted", all.total());
    }
    Ok(())
}

/// Plays every campaign and marks it.
async fn marks(args: &EvalArgs) -> anyhow::Result<(String, Vec<Marked>)> {
    let mut config = args.orchestrator.clone();
    let hostile = match args.game_master.as_str() {
        "hostile" => Some(FakeModel::hostile().await),
        _ => None,
    };
    match &hostile {
        Some(model) => {
            config.llm_url = Some(model.url.clone());
            config.llm_model = Some("hostile".into());
            config.llm_api_key = None;
            config.llm_fallback = Vec::new();
        }
        None if args.game_master == "house" => {
            config.llm_url = None;
            config.xai_api_key = None;
        }
        None => {}
    }
    let who = config.describe();
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("dicetower-eval-{}-{}", std::process::id(), started.as_nanos()));
    let shutdown = CancellationToken::new();
    let marked = play_all(config, &folder, args.repeat, shutdown.clone()).await;
    shutdown.cancel();
    // The data was for this run alone.
    let _ = std::fs::remove_dir_all(&folder);
    Ok((who, marked?))
}

async fn play_all(
    config: orchestrator::Config,
    folder: &Path,
    repeat: u32,
    shutdown: CancellationToken,
) -> anyhow::Result<Vec<Marked>> {
    let mut marked = Vec::new();
    for campaign in campaigns::all() {
        let started = Instant::now();
        let mut score = Score::default();
        for time in 0..repeat {
            // Each on data of its own: what a game master does to sheets is no other campaign's matter.
            let folder = folder.join(format!("{}-{time}", campaign.name));
            let table = Table::start(config.clone(), &folder, shutdown.clone()).await?;
            score += table.play(&campaign).await.with_context(|| format!("campaign {}", campaign.name))?;
        }
        marked.push(Marked { campaign: campaign.name, score, took: started.elapsed() });
    }
    Ok(marked)
}

/// The services that are played with.
struct Table {
    client: OrchestratorServiceClient<Transport>,
    peers: Peers,
}

impl Table {
    /// Starts the services, their data in that folder.
    async fn start(config: orchestrator::Config, folder: &Path, shutdown: CancellationToken) -> anyhow::Result<Table> {
        std::fs::create_dir_all(folder).context("make a folder for the data")?;
        let database = DatabaseConfig::Folder { path: folder.to_owned(), fsync: false };
        let dice = dice::start(dice::Config::default(), &database, Peers::none(), shutdown.clone()).await?;
        let peers = Peers::none().with_dice(in_process(dice));
        let character =
            character::start(character::Config::default(), &database, peers.clone(), shutdown.clone()).await?;
        let peers = peers.with_character(in_process(character));
        let routes = orchestrator::start(config, &database, peers.clone(), shutdown).await?;
        Ok(Table { client: OrchestratorServiceClient::new(in_process(routes)), peers })
    }

    /// Plays a campaign.
    async fn play(&self, campaign: &Campaign) -> anyhow::Result<Score> {
        let session = campaign.name.to_owned();
        let mut client = self.client.clone();
        client.create_session(CreateSessionRequest { session_id: Some(session.clone()) }).await?;
        for character in campaign.characters {
            let request = AddCharacterRequest {
                session_id: session.clone(),
                character: (*character).to_owned(),
                connection_id: None,
            };
            client.add_character(request).await?;
        }
        let mut score = Score::default();
        for step in &campaign.steps {
            let frames = tokio::time::timeout(PATIENCE, self.turn(&session, step))
                .await
                .with_context(|| format!("{:?} did not end", step.say))??;
            let request = GetSessionRequest { session_id: session.clone() };
            let scene = client.get_session(request).await?.into_inner().scene.unwrap_or_default();
            let scene = structs::to_json(scene).as_object().cloned().unwrap_or_default();
            let after = After { scene: &scene, is_sustained: self.is_sustained(step).await };
            score += score::score(step, campaign.characters, &frames, &after);
        }
        Ok(score)
    }

    /// Says a sentence; answers the frames of its turn.
    async fn turn(&self, session: &str, step: &Step) -> anyhow::Result<Vec<Value>> {
        let mut client = self.client.clone();
        let listen = SubscribeRequest { session_id: session.to_owned(), ..SubscribeRequest::default() };
        let mut events = client.subscribe(listen).await?.into_inner();
        let chat =
            ChatRequest { session_id: session.to_owned(), message: step.say.to_owned(), ..ChatRequest::default() };
        let turn_id = client.chat(chat).await?.into_inner().turn_id;
        let mut frames = Vec::new();
        loop {
            let event = events.message().await?.context("the session was closed in the middle of a turn")?;
            let is_ours = event.turn_id == turn_id;
            let frame = frame::to_frame(&event);
            let is_over = is_ours && frame["type"] == "complete";
            if is_ours {
                frames.push(frame);
            }
            if is_over {
                return Ok(frames);
            }
        }
    }

    /// Whether the spell that a step asks about is sustained now; of a caster who is gone, the opposite of what is wanted.
    async fn is_sustained(&self, step: &Step) -> Option<bool> {
        let (caster, spell, wanted) = step.sustained?;
        let request = GetSustainedSpellsRequest { character_name: caster.to_owned() };
        match self.peers.character().get_sustained_spells(request).await {
            Ok(answer) => {
                let sustained = answer.into_inner().sustained_spells;
                Some(sustained.iter().any(|sustained| sustained.spell_name == spell))
            }
            Err(_) => Some(!wanted),
        }
    }
}

/// A count of a score.
type Count = fn(&Score) -> u32;

fn hundredths(percent: Option<f64>) -> Value {
    percent.map_or(Value::Null, |percent| json!((percent * 10.0).round() / 10.0))
}

fn json_of(who: &str, marked: &[Marked], all: &Score) -> Value {
    let told = |score: &Score| {
        let mut told: Map<String, Value> =
            score.marks().iter().map(|(name, mark)| (name.replace(' ', "_"), hundredths(mark.percent()))).collect();
        told.insert("total".into(), hundredths(Some(score.total())));
        for (name, count) in [
            ("turns", score.turns),
            ("calls", score.calls),
            ("failed_calls", score.failed_calls),
            ("claims", score.claims),
        ] {
            told.insert(name.into(), count.into());
        }
        Value::Object(told)
    };
    let campaigns: Map<String, Value> = marked
        .iter()
        .map(|marked| {
            let mut score = told(&marked.score);
            score["seconds"] = json!((marked.took.as_secs_f64() * 1000.0).round() / 1000.0);
            (marked.campaign.to_owned(), score)
        })
        .collect();
    json!({"game_master": first_line(who), "campaigns": campaigns, "all": told(all)})
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("game master: ")
}

fn table_of(who: &str, marked: &[Marked], all: &Score) -> String {
    let mut lines = vec![format!("Game master: {}", first_line(who)), String::new()];
    let names: Vec<&str> = marked.iter().map(|marked| marked.campaign).chain(["all"]).collect();
    let scores: Vec<&Score> = marked.iter().map(|marked| &marked.score).chain([all]).collect();
    let row = |name: &str, cells: Vec<String>| {
        cells.iter().fold(format!("{name:<20}"), |line, cell| format!("{line}{cell:>10}"))
    };
    lines.push(row("", names.iter().map(|name| (*name).to_owned()).collect()));
    let percent = |percent: Option<f64>| percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1}"));
    for (index, (name, _)) in all.marks().iter().enumerate() {
        lines.push(row(name, scores.iter().map(|score| percent(score.marks()[index].1.percent())).collect()));
    }
    lines.push(row("total", scores.iter().map(|score| percent(Some(score.total()))).collect()));
    lines.push(String::new());
    let counts: [(&str, Count); 4] = [
        ("turns", |score| score.turns),
        ("calls", |score| score.calls),
        ("failed calls", |score| score.failed_calls),
        ("unsupported claims", |score| score.claims),
    ];
    for (name, count) in counts {
        lines.push(row(name, scores.iter().map(|score| count(score).to_string()).collect()));
    }
    let took = marked.iter().map(|marked| format!("{:.2}", marked.took.as_secs_f64()));
    lines.push(row("seconds", took.collect()));
    lines.join("\n")
}
