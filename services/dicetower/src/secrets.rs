//! Secrets from files, as container engines hand them over: `NAME_FILE` names a file that holds what `NAME` would say.

use std::{env, fs};

use anyhow::Context as _;

/// The variables that may be given so.
const SECRETS: [&str; 6] =
    ["DATABASE_URL", "POSTGRES_PASSWORD", "LLM_API_KEY", "XAI_API_KEY", "DICETOWER_SERVICE_SECRET", "NATS_URL"];

/// Reads the files that are named, as lines of a `.env`. A variable that is set itself stands; an empty file is as good as
/// none.
///
/// # Errors
///
/// A file cannot be read.
pub(crate) fn from_files() -> anyhow::Result<String> {
    read(|name| env::var(name).ok())
}

fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let mut lines = String::new();
    for name in SECRETS {
        let Some(path) = given(&format!("{name}_FILE")).filter(|_| given(name).is_none()) else { continue };
        let secret = fs::read_to_string(&path).with_context(|| format!("read {path}, which {name}_FILE names"))?;
        let secret = secret.trim_end_matches(['\r', '\n']);
        if !secret.is_empty() {
            lines += &format!("{name}=\"{}\"\n", escaped(secret));
        }
    }
    Ok(lines)
}

/// A text between double quotes of a `.env`, where these characters mean something.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '$') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_what_its_file_says_to_the_last_character() {
        let secret = r#"p"a\s$s w'o=r#d"#;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, format!("{secret}\n")).unwrap();

        let lines = read(|name| (name == "POSTGRES_PASSWORD_FILE").then(|| file.display().to_string())).unwrap();

        let read = dotenvy::from_read_iter(lines.as_bytes()).next().unwrap().unwrap();
        assert_eq!(read, ("POSTGRES_PASSWORD".to_owned(), secret.to_owned()));
    }

    #[test]
    fn a_variable_that_is_set_itself_stands() {
        let lines = read(|name| match name {
            "LLM_API_KEY" => Some("key".to_owned()),
            "LLM_API_KEY_FILE" => Some("/nowhere".to_owned()),
            _ => None,
        });
        assert_eq!(lines.unwrap(), "");
    }

    #[test]
    fn an_empty_file_is_no_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = read(|name| (name == "LLM_API_KEY_FILE").then(|| file.path().display().to_string()));
        assert_eq!(lines.unwrap(), "");
    }

    #[test]
    fn a_file_that_is_missing_is_told() {
        let error = read(|name| (name == "DATABASE_URL_FILE").then(|| "/nowhere".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "read /nowhere, which DATABASE_URL_FILE names");
    }
}
