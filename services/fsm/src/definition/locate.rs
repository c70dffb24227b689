//! Where in the text of a definition something stands, for messages that people read.

/// The line, from 1, on which the words stand, each looked for on or after the line of the one before.
pub fn words(text: &str, words: &[&str]) -> Option<usize> {
    let mut from = 0;
    for word in words {
        from = text.lines().enumerate().skip(from).find(|(_, line)| has_word(line, word))?.0;
    }
    Some(from + 1)
}

/// The line on which a state is defined.
pub fn state(text: &str, id: &str) -> Option<usize> {
    nth_definition(text, id, 0).or_else(|| words(text, &[id]))
}

/// The line on which a state is defined once more.
pub fn second(text: &str, id: &str) -> Option<usize> {
    nth_definition(text, id, 1)
}

/// The line of a state's transition to a target.
pub fn transition(text: &str, from: &str, target: &str) -> Option<usize> {
    let start = state(text, from)?;
    let after = text.lines().enumerate().skip(start - 1).find(|(_, line)| has_word(line, target));
    after.map(|(index, _)| index + 1)
}

/// A definition reads `id: S` or `"id": "S"` in the modules format, `"S": {` in the flat one.
fn nth_definition(text: &str, id: &str, nth: usize) -> Option<usize> {
    let defines = |line: &str| {
        let bare = line.trim().trim_start_matches("- ").replace(['"', ','], "");
        let key = bare.split(':').next().unwrap_or_default().trim().to_owned();
        let value = bare.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
        (key == "id" && value == id) || (key == id && (value.is_empty() || value.starts_with('{')))
    };
    text.lines().enumerate().filter(|(_, line)| defines(line)).nth(nth).map(|(index, _)| index + 1)
}

/// Whether a word stands in the line, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let inside = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    line.match_indices(word).any(|(start, found)| {
        !inside(line[..start].chars().next_back()) && !inside(line[start + found.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULES: &str = "states:\n  - id: A\n    transitions:\n      - event: GO\n        target: A_TO_B\n      - event: GO\n        target: B\n  - id: B\n  - id: A\n";
    const FLAT: &str =
        "{\n  \"states\": {\n    \"A\": {\n      \"transitions\": { \"GO\": \"B\" }\n    },\n    \"B\": {}\n  }\n}";

    #[test]
    fn a_state_is_found_where_it_is_defined() {
        assert_eq!((state(MODULES, "A"), state(MODULES, "B"), second(MODULES, "A")), (Some(2), Some(8), Some(9)));
        assert_eq!((state(FLAT, "A"), state(FLAT, "B")), (Some(3), Some(6)));
    }

    #[test]
    fn a_transition_is_found_behind_its_state() {
        assert_eq!(transition(MODULES, "A", "B"), Some(7));
        assert_eq!(transition(FLAT, "A", "B"), Some(4));
    }
}
