//! Names that were not found: what is nearest to them, and the error that says so.

/// Suggestions given for a name that was not found.
const MAX_SUGGESTIONS: usize = 3;

/// Characters of a name that are compared; what is longer is cut, which bounds the cost of a comparison.
const MAX_COMPARED: usize = 64;

/// A name that nothing in a list has, with the nearest ones that exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {name:?}; {}", self.help())]
pub struct UnknownName {
    /// What was looked for, such as "weapon".
    pub kind: &'static str,
    /// The name as it was given, cut to 64 characters.
    pub name: String,
    /// Nearest names first; at most three. Empty if nothing is near.
    pub nearest: Vec<String>,
    /// Every name that is allowed.
    pub allowed: Vec<String>,
}

impl UnknownName {
    /// The error for `name`, which is none of `allowed`.
    pub fn new<'a>(kind: &'static str, name: &str, allowed: impl IntoIterator<Item = &'a str>) -> Self {
        let allowed: Vec<&str> = allowed.into_iter().collect();
        let nearest = nearest(name, allowed.iter().copied());
        Self {
            kind,
            name: name.chars().take(MAX_COMPARED).collect(),
            nearest: nearest.into_iter().map(str::to_owned).collect(),
            allowed: allowed.into_iter().map(str::to_owned).collect(),
        }
    }

    fn help(&self) -> String {
        if self.nearest.is_empty() {
            format!("allowed are {}", self.allowed.join(", "))
        } else {
            format!("nearest names: {}", self.nearest.join(", "))
        }
    }
}

/// The names most like `name`, nearest first, at most three; none if nothing is near.
///
/// Case, spaces and punctuation do not count. Near is a name that contains the other, or one that takes few edits:
/// at most a third of the longer name's letters, and at least two.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = simplified(name);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        let simple = simplified(candidate);
        if let Some(distance) = distance_if_near(&wanted, &simple) {
            near.push((distance, candidate));
        }
    }
    near.sort();
    near.dedup();
    near.into_iter().take(MAX_SUGGESTIONS).map(|(_, candidate)| candidate).collect()
}

/// Whether two names are the same but for case, spaces and punctuation.
pub fn same_name(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return ascii_letters(a).eq(ascii_letters(b));
    }
    letters(a).eq(letters(b))
}

/// The letters, figures and plus signs of a name, in lower case.
pub fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| c.is_alphanumeric() || *c == '+').flat_map(char::to_lowercase)
}

/// The same of a name of ASCII alone, as nearly all are, for a small part of the work.
fn ascii_letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'+').map(|byte| byte.to_ascii_lowercase())
}

/// The first [`MAX_COMPARED`] of them.
fn simplified(name: &str) -> Vec<char> {
    letters(name).take(MAX_COMPARED).collect()
}

fn distance_if_near(wanted: &[char], candidate: &[char]) -> Option<usize> {
    let distance = edit_distance(wanted, candidate);
    let longer = wanted.len().max(candidate.len());
    if distance <= (longer / 3).max(2) && distance < longer {
        return Some(distance);
    }
    let shorter = wanted.len().min(candidate.len());
    let contained = shorter >= 3 && (contains(candidate, wanted) || contains(wanted, candidate));
    contained.then_some(distance)
}

fn contains(long: &[char], short: &[char]) -> bool {
    long.windows(short.len().max(1)).any(|window| window == short)
}

/// Insertions, deletions and substitutions that turn one name into the other (Levenshtein).
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (row, from) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in b.iter().enumerate() {
            let substituted = previous[column] + usize::from(from != to);
            let inserted = current[column] + 1;
            let deleted = previous[column + 1] + 1;
            current.push(substituted.min(inserted).min(deleted));
        }
        previous = current;
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKILLS: &[&str] = &["Firearms", "Gunnery", "Sorcery", "Conjuring", "Car", "Computer", "Computer Theory"];

    fn check(name: &str, expected: &[&str]) {
        assert_eq!(nearest(name, SKILLS.iter().copied()), expected, "{name}");
    }

    #[test]
    fn a_slip_of_the_pen_finds_the_name() {
        check("firarms", &["Firearms"]);
        check("SORCERRY", &["Sorcery"]);
        check("Cars", &["Car"]);
    }

    #[test]
    fn a_part_of_a_name_finds_it() {
        check("theory", &["Computer Theory"]);
    }

    #[test]
    fn what_is_like_nothing_finds_nothing() {
        check("basket weaving", &[]);
        check("", &[]);
    }

    #[test]
    fn names_are_the_same_but_for_case_and_spaces_and_to_their_end() {
        assert!(same_name("Mana Bolt", "manabolt"));
        assert!(!same_name("Heal", &format!("Heal{}x", " ".repeat(100))));
        assert!(same_name("Élan Vital", "élan-vital"));
        assert!(!same_name("Élan", "Elan"));
    }

    #[test]
    fn the_error_lists_the_nearest_or_all_that_is_allowed() {
        let near = UnknownName::new("skill", "Gunery", SKILLS.iter().copied());
        assert_eq!(near.to_string(), "unknown skill \"Gunery\"; nearest names: Gunnery");
        let far = UnknownName::new("colour", "xyzzy", ["red", "green"]);
        assert_eq!(far.to_string(), "unknown colour \"xyzzy\"; allowed are red, green");
    }
}
