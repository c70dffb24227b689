//! The prompts: who the game master is and how he works, by name, each with a version that its text alone decides.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Context as _;

use crate::config::Config;

/// The system context unless `--context` names another.
const GAME_MASTER: &str = include_str!("../prompts/game-master.txt");
/// Largest system context, in bytes.
const MAX_CONTEXT: u64 = 256 * 1024;
/// Prompts in the folder.
const MAX_PROMPTS: usize = 200;
/// Longest name of a prompt.
const MAX_NAME: usize = 64;

/// A prompt.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub text: Arc<str>,
    /// A hash of the text, in hexadecimal.
    pub version: String,
}

/// The prompts of this server.
pub(crate) struct Prompts {
    server: Prompt,
    named: BTreeMap<String, Prompt>,
}

impl Prompt {
    fn new(text: &str) -> Prompt {
        Prompt { text: text.into(), version: format!("{:016x}", fnv1a(text)) }
    }
}

impl Prompts {
    /// Reads the prompts that the configuration names.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is too large.
    pub async fn read(config: &Config) -> anyhow::Result<Prompts> {
        let server = match &config.context {
            Some(path) => Prompt::new(&text(path).await?),
            None => Prompt::new(GAME_MASTER),
        };
        let mut named = BTreeMap::new();
        if let Some(folder) = &config.prompts {
            let shown = folder.display();
            let mut files =
                tokio::fs::read_dir(folder).await.with_context(|| format!("read the prompts in {shown}"))?;
            while let Some(file) = files.next_entry().await.with_context(|| format!("read the prompts in {shown}"))? {
                let path = file.path();
                let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                if path.extension().is_none_or(|kind| kind != "txt") {
                    continue;
                }
                anyhow::ensure!(
                    (1..=MAX_NAME).contains(&name.chars().count()),
                    "a prompt's name has 1 to {MAX_NAME} characters, unlike that of {}",
                    path.display()
                );
                named.insert(name, Prompt::new(&text(&path).await?));
                anyhow::ensure!(named.len() <= MAX_PROMPTS, "{shown} holds more than {MAX_PROMPTS} prompts");
            }
        }
        Ok(Prompts { server, named })
    }

    /// The names that a table may choose.
    pub fn names(&self) -> Vec<String> {
        self.named.keys().cloned().collect()
    }

    /// The prompt of a table: the one that it has chosen, that of its campaign (by id or title), or the server's.
    pub fn choose(&self, chosen: &str, campaign: &[&str]) -> &Prompt {
        let wanted = std::iter::once(&chosen).chain(campaign);
        wanted.filter(|name| !name.is_empty()).find_map(|name| self.find(name)).unwrap_or(&self.server)
    }

    /// The prompt of that name, in any case.
    pub fn find(&self, name: &str) -> Option<&Prompt> {
        let wanted = name.to_lowercase();
        self.named.iter().find(|(name, _)| name.to_lowercase() == wanted).map(|(_, prompt)| prompt)
    }
}

async fn text(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let size = tokio::fs::metadata(path).await.with_context(|| format!("read the system context {shown}"))?.len();
    anyhow::ensure!(
        size <= MAX_CONTEXT,
        "the system context {shown} has {size} bytes; at most {MAX_CONTEXT} are allowed"
    );
    tokio::fs::read_to_string(path).await.with_context(|| format!("read the system context {shown}"))
}

/// FNV-1a, which is the same on every machine and in every version.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_prompt_it_chose_that_of_its_campaign_or_the_servers() {
        let named = ["noir", "Dark Rain"].map(|name| (name.to_owned(), Prompt::new(name)));
        let prompts = Prompts { server: Prompt::new("server"), named: BTreeMap::from(named) };
        let chosen = |chosen: &str, campaign: &[&str]| prompts.choose(chosen, campaign).text.to_string();

        assert_eq!(chosen("", &[]), "server");
        assert_eq!(chosen("", &["c-1", "dark rain"]), "Dark Rain");
        assert_eq!(chosen("noir", &["c-1", "Dark Rain"]), "noir");
        assert_eq!(chosen("gone", &["c-2"]), "server");
    }
}
