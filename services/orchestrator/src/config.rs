//! How the orchestrator is set up: which game master is at the table, and how long and how much a turn may take.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::budget::Price;

/// x.ai's API, which `XAI_API_KEY` alone stands for.
const XAI_URL: &str = "https://api.x.ai/v1";
/// The model at x.ai unless `LLM_MODEL` names another.
const XAI_MODEL: &str = "grok-4";
/// The model where `LLM_URL` is given without one: servers of a single model take any name.
const ANY_MODEL: &str = "default";

/// How the orchestrator is set up.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// Base address of an OpenAI-compatible API, such as http://localhost:11434/v1; its key is taken from the
    /// variable LLM_API_KEY. Unset: x.ai with the variable XAI_API_KEY, or the built-in game master.
    #[arg(long, env = "LLM_URL")]
    pub llm_url: Option<String>,
    /// The model to ask for [default at x.ai: grok-4].
    #[arg(long, env = "LLM_MODEL")]
    pub llm_model: Option<String>,
    /// The key of the API at `llm_url`. From the environment only: a command line is for everybody to see.
    #[arg(skip = secret("LLM_API_KEY"))]
    pub llm_api_key: Option<SecretString>,
    /// The key of x.ai. From the environment only.
    #[arg(skip = secret("XAI_API_KEY"))]
    pub xai_api_key: Option<SecretString>,
    /// File with the system context: who the game master is and how he works. Unset: the built-in one.
    #[arg(long, env = "DICETOWER_CONTEXT")]
    pub context: Option<PathBuf>,
    /// Seconds in which a connection to the model must come about.
    #[arg(long, env = "LLM_CONNECT_TIMEOUT", default_value = "10", value_parser = seconds)]
    pub llm_connect_timeout: Duration,
    /// Seconds in which the model's answer must begin.
    #[arg(long, env = "LLM_FIRST_TOKEN_TIMEOUT", default_value = "90", value_parser = seconds)]
    pub llm_first_token_timeout: Duration,
    /// Seconds that may pass between two pieces of the model's answer.
    #[arg(long, env = "LLM_TOKEN_TIMEOUT", default_value = "45", value_parser = seconds)]
    pub llm_token_timeout: Duration,
    /// Seconds after which a model that has not begun to answer is asked a second time: the first answer to begin is told,
    /// the other one is let go, and what both have read is paid for. Unset: never.
    #[arg(long, env = "LLM_HEDGE_AFTER", value_parser = seconds)]
    pub llm_hedge_after: Option<Duration>,
    /// Models that step in when the first one fails, in their order: others of the same API, or `house` for the
    /// built-in game master.
    #[arg(long, env = "LLM_FALLBACK", value_delimiter = ',')]
    pub llm_fallback: Vec<String>,
    /// How often an answer that breaks off is asked for again; what was told of it is withdrawn.
    #[arg(long, env = "LLM_RESTARTS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=5))]
    pub llm_restarts: u32,
    /// Seconds that a turn may take, from the game master's first thought to its end.
    #[arg(long, env = "DICETOWER_TURN_TIMEOUT", default_value = "300", value_parser = seconds)]
    pub turn_timeout: Duration,
    /// Seconds that one tool may take.
    #[arg(long, env = "DICETOWER_TOOL_TIMEOUT", default_value = "30", value_parser = seconds)]
    pub tool_timeout: Duration,
    /// How often the model may be asked in one turn.
    #[arg(long, env = "DICETOWER_STEPS_PER_TURN", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub steps_per_turn: u32,
    /// Tokens that the model may write in one turn.
    #[arg(long, env = "DICETOWER_TOKENS_PER_TURN", default_value_t = 32_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub tokens_per_turn: u64,
    /// A cheap model of the same API that sums up what falls out of the conversation's window; unset or `house`: a rule
    /// does.
    #[arg(long, env = "LLM_MEMORY_MODEL")]
    pub llm_memory: Option<String>,
    /// Tokens of each turn that may go to what is remembered beyond the window of the conversation.
    #[arg(long, env = "DICETOWER_MEMORY_TOKENS", default_value_t = 1500)]
    pub memory_tokens: u32,
    /// Tokens of each turn that may go to the lore book of the campaign.
    #[arg(long, env = "DICETOWER_LORE_TOKENS", default_value_t = 1200)]
    pub lore_tokens: u32,
    /// Folder with further prompts, NAME.txt each. A table chooses one by its name; one that is named like a campaign's
    /// id or title is that campaign's.
    #[arg(long, env = "DICETOWER_PROMPTS")]
    pub prompts: Option<PathBuf>,
    /// Seconds after which a replica that is not heard of is taken for gone, and its sessions are taken over.
    #[arg(long, env = "DICETOWER_LEASE", default_value = "2", value_parser = seconds)]
    pub lease: Duration,
    /// Address at which other replicas of the orchestrator reach this one, such as http://10.0.0.5:50053. Calls for a
    /// session that this one holds are sent on to it; unset, they are refused there.
    #[arg(long, env = "DICETOWER_ADVERTISE", value_name = "URL", value_parser = service_kit::client::parse_address)]
    pub advertise: Option<String>,
    /// Tokens that the model may write for one session in a day; unset: any number.
    #[arg(long, env = "DICETOWER_TOKENS_PER_SESSION", value_parser = clap::value_parser!(u64).range(1..))]
    pub tokens_per_session: Option<u64>,
    /// Tokens that the model may write for one player's name in a day; unset: any number.
    #[arg(long, env = "DICETOWER_TOKENS_PER_PLAYER", value_parser = clap::value_parser!(u64).range(1..))]
    pub tokens_per_player: Option<u64>,
    /// Tokens that the model may write in a day; unset: any number.
    #[arg(long, env = "DICETOWER_TOKENS_PER_DAY", value_parser = clap::value_parser!(u64).range(1..))]
    pub tokens_per_day: Option<u64>,
    /// What models cost, in US dollars for a million tokens read and written, such as grok-4=3/15. A model without a
    /// price costs nothing.
    #[arg(long, env = "LLM_PRICES", value_delimiter = ',')]
    pub llm_prices: Vec<ModelPrice>,
    /// US dollars that one turn may cost; unset: any amount.
    #[arg(long, env = "DICETOWER_DOLLARS_PER_TURN", value_parser = amount)]
    pub dollars_per_turn: Option<f64>,
    /// US dollars that one session may cost in a day; unset: any amount.
    #[arg(long, env = "DICETOWER_DOLLARS_PER_SESSION", value_parser = amount)]
    pub dollars_per_session: Option<f64>,
    /// US dollars that one player's name may cost in a day; unset: any amount.
    #[arg(long, env = "DICETOWER_DOLLARS_PER_PLAYER", value_parser = amount)]
    pub dollars_per_player: Option<f64>,
    /// US dollars that all of it may cost in a day; unset: any amount.
    #[arg(long, env = "DICETOWER_DOLLARS_PER_DAY", value_parser = amount)]
    pub dollars_per_day: Option<f64>,
    /// Events after which a snapshot of a session is kept, so that its log need not be read from the beginning.
    #[arg(long, env = "DICETOWER_SNAPSHOT_EVENTS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    pub snapshot_events: u64,
    /// Events that may wait for one reader of a session. Who is further behind is let go of and has to take up the log
    /// again; a WebSocket is told how things stand, once.
    #[arg(long, env = "DICETOWER_READER_QUEUE", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub reader_queue: u32,
    /// Seconds after which a session leaves memory when nobody is connected to it, nobody asks for it and no turn runs;
    /// it is read from its log when it is asked for again.
    #[arg(long, env = "DICETOWER_FORGET_AFTER", default_value = "300", value_parser = seconds)]
    pub forget_after: Duration,
    /// Days after which a session in which nothing was said is deleted with its log; unset: never.
    #[arg(long, env = "DICETOWER_KEEP_SESSIONS_DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_sessions_days: Option<u32>,
    /// Seconds that a turn which runs is given to end when the server shuts down.
    #[arg(long, env = "DICETOWER_GRACE", default_value = "5", value_parser = seconds)]
    pub grace: Duration,
}

impl Default for Config {
    /// The built-in game master, and the limits as shipped. Nothing is read from the environment.
    fn default() -> Config {
        Config {
            llm_url: None,
            llm_model: None,
            llm_api_key: None,
            xai_api_key: None,
            context: None,
            llm_connect_timeout: Duration::from_secs(10),
            llm_first_token_timeout: Duration::from_secs(90),
            llm_token_timeout: Duration::from_secs(45),
            llm_hedge_after: None,
            llm_fallback: Vec::new(),
            llm_restarts: 1,
            turn_timeout: Duration::from_secs(300),
            tool_timeout: Duration::from_secs(30),
            steps_per_turn: 12,
            tokens_per_turn: 32_000,
            llm_memory: None,
            memory_tokens: 1500,
            lore_tokens: 1200,
            prompts: None,
            lease: Duration::from_secs(2),
            advertise: None,
            tokens_per_session: None,
            tokens_per_player: None,
            tokens_per_day: None,
            llm_prices: Vec::new(),
            dollars_per_turn: None,
            dollars_per_session: None,
            dollars_per_player: None,
            dollars_per_day: None,
            snapshot_events: 500,
            reader_queue: 1024,
            forget_after: Duration::from_secs(300),
            keep_sessions_days: None,
            grace: Duration::from_secs(5),
        }
    }
}

/// Who sits in the game master's chair.
#[derive(Debug, Clone)]
pub(crate) enum GameMaster {
    /// The built-in one.
    House,
    /// A model behind an OpenAI-compatible API.
    Model {
        /// Base address, without a slash at its end.
        url: String,
        /// The model's name.
        model: String,
        /// The key, where one is needed.
        key: Option<SecretString>,
    },
}

impl Config {
    /// Who is at the table, in a line or two for whoever starts the server, with the way to a real model.
    pub fn describe(&self) -> String {
        match self.game_master() {
            GameMaster::House if self.names_no_model() => {
                "game master: the built-in one; LLM_MODEL and LLM_API_KEY only count together with LLM_URL".to_owned()
            }
            GameMaster::House => "game master: the built-in one, which needs no language model\n\
                 for a real model set XAI_API_KEY (x.ai), or LLM_URL, LLM_MODEL and LLM_API_KEY (OpenAI, Ollama, llama.cpp, vLLM, ...)"
                .to_owned(),
            GameMaster::Model { url, model, key } => {
                let mut text = format!("game master: {model} at {}", without_password(&url));
                if key.is_none() {
                    let _ = write!(text, " (without a key)");
                }
                text
            }
        }
    }

    /// Whether something was said of a model, but not where it is.
    pub(crate) fn names_no_model(&self) -> bool {
        let is_house = matches!(self.game_master(), GameMaster::House);
        is_house && (self.llm_model.is_some() || self.llm_api_key.is_some())
    }

    /// `LLM_URL` wins over `XAI_API_KEY`; neither: the built-in game master. What is empty counts as unset.
    pub(crate) fn game_master(&self) -> GameMaster {
        let given =
            |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let model = given(&self.llm_model);
        if let Some(url) = given(&self.llm_url) {
            let url = url.trim_end_matches('/').trim_end_matches("/chat/completions").trim_end_matches('/').to_owned();
            return GameMaster::Model {
                url,
                model: model.unwrap_or_else(|| ANY_MODEL.into()),
                key: self.llm_api_key.clone(),
            };
        }
        match self.xai_api_key.clone() {
            Some(key) => {
                let model = model.unwrap_or_else(|| XAI_MODEL.into());
                GameMaster::Model { url: XAI_URL.into(), model, key: Some(key) }
            }
            None => GameMaster::House,
        }
    }
}

/// A secret of the environment; an empty one counts as unset.
fn secret(variable: &str) -> Option<SecretString> {
    let text = std::env::var(variable).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| SecretString::from(text))
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPrice {
    /// The model's name.
    pub(crate) model: String,
    pub(crate) price: Price,
}

impl std::str::FromStr for ModelPrice {
    type Err = String;

    /// Reads `MODEL=READ/WRITTEN`.
    fn from_str(text: &str) -> Result<ModelPrice, String> {
        model_price(text)
    }
}

fn model_price(text: &str) -> Result<ModelPrice, String> {
    let refusal =
        || format!("{text:?} is not a price such as grok-4=3/15: dollars for a million tokens read and written");
    let (model, price) = text.rsplit_once('=').ok_or_else(refusal)?;
    let (read, written) = price.split_once('/').ok_or_else(refusal)?;
    let number = |text: &str| text.trim().parse().ok().filter(|price| (0.0..=1e6).contains(price)).ok_or_else(refusal);
    let price = Price { read: number(read)?, written: number(written)? };
    Ok(ModelPrice { model: model.trim().to_owned(), price })
}

fn amount(text: &str) -> Result<f64, String> {
    let dollars: Option<f64> = text.parse().ok();
    dollars
        .filter(|dollars| (0.0001..=1e6).contains(dollars))
        .ok_or_else(|| format!("{text:?} is not an amount of dollars; 0.0001 to 1000000 are allowed"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err(format!("{text} seconds is outside 0.001 to 86400"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// The address as it may be shown: some people write their password into it, or their key behind it.
pub(crate) fn without_password(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() => {
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.set_query(parsed.query().map(|_| "hidden"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(config: Config, expected: &str) {
        assert_eq!(config.describe().lines().next().unwrap(), expected);
    }

    #[test]
    fn without_a_key_the_built_in_game_master_is_at_the_table() {
        check(Config::default(), "game master: the built-in one, which needs no language model");
        check(
            Config { llm_url: Some("  ".into()), ..Config::default() },
            "game master: the built-in one, which needs no language model",
        );
    }

    #[test]
    fn a_key_of_x_ai_alone_means_grok_4() {
        let config = Config { xai_api_key: Some("k".into()), ..Config::default() };
        check(config.clone(), "game master: grok-4 at https://api.x.ai/v1");
        check(Config { llm_model: Some("grok-5".into()), ..config }, "game master: grok-5 at https://api.x.ai/v1");
    }

    #[test]
    fn an_address_wins_over_the_key_of_x_ai_and_never_sees_it() {
        let config = Config {
            llm_url: Some("http://me:secret@localhost:1/v1/".into()),
            xai_api_key: Some("k".into()),
            ..Config::default()
        };
        check(config, "game master: default at http://localhost:1/v1 (without a key)");
    }

    #[test]
    fn a_key_behind_the_address_is_not_shown() {
        let config = Config { llm_url: Some("https://a.example/v1?api-key=secret".into()), ..Config::default() };
        check(config, "game master: default at https://a.example/v1?hidden (without a key)");
    }

    #[test]
    fn a_model_without_an_address_is_pointed_out() {
        check(
            Config { llm_model: Some("gpt".into()), ..Config::default() },
            "game master: the built-in one; LLM_MODEL and LLM_API_KEY only count together with LLM_URL",
        );
    }

    #[test]
    fn the_limits_are_the_same_by_default_and_by_an_empty_command_line() {
        #[derive(clap::Parser)]
        struct CommandLine {
            #[command(flatten)]
            config: Config,
        }
        let limits = |config: Config| {
            let Config { llm_connect_timeout, llm_first_token_timeout, llm_token_timeout, .. } = config;
            let model = (llm_connect_timeout, llm_first_token_timeout, llm_token_timeout);
            let turn = (config.turn_timeout, config.tool_timeout, config.steps_per_turn, config.tokens_per_turn);
            let day = (config.tokens_per_session, config.tokens_per_player, config.tokens_per_day);
            let told = (config.memory_tokens, config.lore_tokens, config.snapshot_events, config.reader_queue);
            let told = (told, config.forget_after, config.keep_sessions_days);
            let time = (config.lease, config.grace, config.llm_hedge_after);
            (model, config.llm_fallback, config.llm_restarts, turn, day, told, time)
        };

        let parsed = <CommandLine as clap::Parser>::parse_from(["test"]).config;

        assert_eq!(limits(parsed), limits(Config::default()));
    }

    #[test]
    fn a_price_is_a_model_and_two_amounts() {
        let price = Price { read: 3.0, written: 15.0 };
        assert_eq!(model_price("grok-4=3/15"), Ok(ModelPrice { model: "grok-4".into(), price }));
        for bad in ["", "grok-4", "grok-4=3", "grok-4=-1/2", "grok-4=a/b"] {
            assert!(model_price(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let config = Config { llm_api_key: Some("hush".into()), ..Config::default() };
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn a_time_out_is_a_number_of_seconds_within_bounds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for bad in ["", "-1", "0", "NaN", "inf", "1e9", "soon"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
