//! Event cards by their titles, as far as a client's database names them.

use std::sync::LazyLock;

const CARDS: &str = include_str!("../../machines/cards.tsv");

/// Titles in their plain letters, each with the die beside Event that plays the card.
static TYPES: LazyLock<Vec<(String, &str)>> = LazyLock::new(|| {
    let rows = CARDS.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| row.split_once('\t')).map(|(title, die)| (letters(title), die)).collect()
});

/// Whether a piece is an event card.
pub(super) fn is_card(piece: i64) -> bool {
    matches!(piece, 106..=209 | 421)
}

/// Whether a card of a Strategy deck is an Army or a Muster card, by what a client calls it; `None` where it is not known.
///
/// Source: the rules of Event cards, "Types".
pub(super) fn type_of(name: &str) -> Option<&'static str> {
    let name = letters(name);
    TYPES.iter().find(|(title, _)| name.contains(title.as_str())).map(|(_, die)| *die)
}

/// The letters alone, small and without their accents.
fn letters(text: &str) -> String {
    let plain = |letter: char| match letter {
        'á' | 'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        letter => letter,
    };
    text.chars().flat_map(char::to_lowercase).map(plain).filter(char::is_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_tells_the_type_however_it_is_written() {
        for name in ["Faramir's Rangers", "FARAMIR’S RANGERS", "faramirs_rangers.jpg"] {
            assert_eq!(type_of(name), Some("army"), "{name}");
        }
        assert_eq!(type_of("Riders of Théoden"), Some("muster"));
        for name in ["", "Free Strategy Card", "Athelas"] {
            assert_eq!(type_of(name), None, "{name}");
        }
    }

    #[test]
    fn so_many_cards_are_of_each_type_as_the_rules_say() {
        let army = TYPES.iter().filter(|(_, die)| *die == "army").count();
        assert_eq!((army, TYPES.len() - army), (8 + 11, 16 + 13));
        let titles = TYPES.iter().map(|(title, _)| title);
        assert!(titles.clone().all(|title| titles.clone().filter(|other| title.contains(other.as_str())).count() == 1));
    }
}
