//! The machines that games run: those that come with the service, and those from files.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::Context;

use crate::{
    definition::{BUILT_IN, Machine},
    store::Store,
};

/// Loaded machines, by name.
#[derive(Default)]
pub struct Machines(Mutex<BTreeMap<String, Arc<Machine>>>);

impl Machines {
    /// The machine that the configuration names: a built-in one, or a file, whose text is kept in the database so that
    /// its games can go on after it has changed.
    ///
    /// # Errors
    ///
    /// There is no such file, or it holds no definition that can run.
    pub async fn configured(&self, machine: &str, store: &Store) -> anyhow::Result<Arc<Machine>> {
        let (name, source) = match BUILT_IN.iter().find(|(name, _)| *name == machine) {
            Some((name, source)) => ((*name).to_owned(), (*source).to_owned()),
            None => {
                let path = Path::new(machine);
                let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                let source = std::fs::read_to_string(path).with_context(|| {
                    format!("read the machine {machine:?}: it is neither {} nor a file", names.join(", "))
                })?;
                let name = file_name(path, &source);
                store.keep_definition(&name, &source).await.context("keep the definition")?;
                (name, source)
            }
        };
        let loaded = Machine::load(&name, &source).with_context(|| format!("load the machine {machine:?}"))?;
        for warning in &loaded.warnings {
            tracing::info!(machine, %warning, "the definition has an oddity");
        }
        Ok(self.keep(loaded.machine))
    }

    /// A machine by the name that a game has it under; `None` if it is gone.
    pub async fn get(&self, name: &str, store: &Store) -> Result<Option<Arc<Machine>>, service_kit::db::DbError> {
        let known = self.0.lock().expect("no holder panics").get(name).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name).map(|(_, source)| (*source).to_owned());
        let source = match built_in {
            Some(source) => Some(source),
            None => store.definition(name).await?,
        };
        let Some(source) = source else { return Ok(None) };
        match Machine::load(name, &source) {
            Ok(loaded) => Ok(Some(self.keep(loaded.machine))),
            Err(error) => {
                tracing::error!(machine = name, %error, "a definition that could run cannot any more");
                Ok(None)
            }
        }
    }

    fn keep(&self, machine: Machine) -> Arc<Machine> {
        let machine = Arc::new(machine);
        self.0.lock().expect("no holder panics").insert(machine.name.clone(), machine.clone());
        machine
    }
}

/// A name that tells a file's text from any other text.
fn file_name(path: &Path, source: &str) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let word: String = stem
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_' || *letter == '-')
        .take(40)
        .collect();
    // FNV-1a: stable for ever, and nobody profits from two texts that share it.
    let hash = source
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{word}-{hash:016x}")
}
