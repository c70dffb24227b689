//! Who owns a character beside whom his token grants it: to whom a game master has given it.

use super::Caller;
use crate::db::{Db, DbError, Statement};

const OWNER: &str = "SELECT name FROM owners WHERE character = $1";
const OWN: &str =
    "INSERT INTO owners (character, name) VALUES ($1, $2) ON CONFLICT (character) DO UPDATE SET name = $2";

/// Whether a caller owns a character.
pub(super) async fn owns(db: &Db, caller: &Caller, character: &str) -> Result<bool, DbError> {
    let rows = db.fetch(OWNER, vec![key(character).into()]).await?;
    Ok(rows.first().is_some_and(|row| row.text(0) == caller.name))
}

/// Gives a character to whoever has this name.
pub(super) async fn own(db: &Db, name: &str, character: &str) -> Result<(), DbError> {
    db.write(vec![Statement::new(OWN, vec![key(character).into(), name.into()])]).await
}

fn key(character: &str) -> String {
    character.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::open, testing::TestDatabase};

    #[tokio::test]
    async fn a_character_belongs_to_whom_it_was_given_last() {
        for database in TestDatabase::each().await {
            let db = open(&database.config).await.unwrap();
            let caller = |name: &str| Caller { name: name.into(), ..Caller::anyone() };
            own(&db, "Bert", " Razor ").await.unwrap();
            own(&db, "Anna", "razor").await.unwrap();

            assert!(owns(&db, &caller("Anna"), "RAZOR").await.unwrap());
            assert!(!owns(&db, &caller("Bert"), "Razor").await.unwrap());
        }
    }
}
