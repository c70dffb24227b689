//! Who owns a character: whom his token grants it, and who has made it.

use super::Caller;
use crate::db::{Db, DbError, Statement};

const OWNER: &str = "SELECT name FROM owners WHERE character = $1";
const OWN: &str = "INSERT INTO owners (character, name) VALUES ($1, $2) ON CONFLICT (character) DO NOTHING";

/// Whether a caller owns a character.
pub(super) async fn owns(db: &Db, caller: &Caller, character: &str) -> Result<bool, DbError> {
    let rows = db.fetch(OWNER, vec![key(character).into()]).await?;
    Ok(rows.first().is_some_and(|row| row.text(0) == caller.name))
}

/// Notes that a caller has made a character. One that has an owner keeps him.
pub(super) async fn own(db: &Db, caller: &Caller, character: &str) -> Result<(), DbError> {
    db.write(vec![Statement::new(OWN, vec![key(character).into(), caller.name.clone().into()])]).await
}

fn key(character: &str) -> String {
    character.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::open, testing::TestDatabase};

    #[tokio::test]
    async fn a_character_belongs_to_whoever_made_it_first() {
        for database in TestDatabase::each().await {
            let db = open(&database.config).await.unwrap();
            let caller = |name: &str| Caller { name: name.into(), ..Caller::anyone() };
            own(&db, &caller("Anna"), " Razor ").await.unwrap();
            own(&db, &caller("Bert"), "razor").await.unwrap();

            assert!(owns(&db, &caller("Anna"), "RAZOR").await.unwrap());
            assert!(!owns(&db, &caller("Bert"), "Razor").await.unwrap());
        }
    }
}
