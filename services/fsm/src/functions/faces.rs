//! Faces of action dice as clients name them: in the machine's words, in the document's, or as the values of a game record.

use serde_json::{Value, json};

/// `faces(results, side, from, count)`: so many of the results from one on, which counts from 0, as the machine calls them; an
/// empty list where they are not there, or one of them is no face of that side's dice.
pub(super) fn faces(arguments: &[Value]) -> Value {
    let [results, side, from, count] = arguments else { return json!([]) };
    let (Some(results), Some(from), Some(count)) = (results.as_array(), from.as_u64(), count.as_u64()) else {
        return json!([]);
    };
    let [Ok(from), Ok(count)] = [from, count].map(usize::try_from) else { return json!([]) };
    let Some(told) = results.get(from..).and_then(|rest| rest.get(..count)) else { return json!([]) };
    let is_shadow = *side == "shadow";
    let faces: Option<Vec<&str>> = told.iter().map(|face| named(face, is_shadow)).collect();
    json!(faces.unwrap_or_default())
}

fn named(face: &Value, is_shadow: bool) -> Option<&'static str> {
    let text = match face {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect(),
        _ => return None,
    };
    Some(match (text.as_str(), is_shadow) {
        ("willofthewest" | "willofwest" | "will" | "0", false) => "will_of_the_west",
        ("character", _) | ("1", false) | ("13", true) => "character",
        ("event" | "palantir" | "palantír", _) | ("2", false) | ("14", true) => "event",
        ("muster", _) | ("3", false) | ("10", true) => "muster",
        // The Free Peoples have no face that is Army alone.
        ("army" | "armymuster" | "musterarmy" | "4", false) | ("armymuster" | "musterarmy" | "11", true) => {
            "army_muster"
        }
        ("army" | "12", true) => "army",
        ("eye" | "15", true) => "eye",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::call;

    fn faces(results: Value, side: &str) -> Value {
        let count = results.as_array().unwrap().len();
        call("faces", json!([results, side, 0, count]))
    }

    #[test]
    fn a_face_is_known_by_every_name_it_has() {
        let free = json!(["will_of_the_west", "character", "event", "muster", "army_muster"]);
        for told in [
            json!(["will_of_the_west", "character", "event", "muster", "army_muster"]),
            json!(["Will of the West", "Character", "Event", "Muster", "Army/Muster"]),
            json!(["will_of_west", "CHARACTER", "Palantír", "muster", "Army"]),
            json!([0, 1, 2, 3, 4]),
        ] {
            assert_eq!(faces(told.clone(), "free_peoples"), free, "{told}");
        }
        let shadow = json!(["muster", "army_muster", "army", "character", "event", "eye"]);
        for told in
            [json!(["Muster", "Army/Muster", "Army", "Character", "Event", "Eye"]), json!([10, 11, 12, 13, 14, 15])]
        {
            assert_eq!(faces(told.clone(), "shadow"), shadow, "{told}");
        }
    }

    #[test]
    fn one_unknown_face_makes_all_unknown() {
        assert_eq!(faces(json!(["Character", "Hobbit"]), "free_peoples"), json!([]));
        assert_eq!(faces(json!(["Eye"]), "free_peoples"), json!([]), "the Free Peoples' dice have no Eye");
        assert_eq!(faces(json!(["Will of the West"]), "shadow"), json!([]));
        assert_eq!(call("faces", json!([["Eye", "Army"], "shadow", 1, 1])), json!(["army"]));
        assert_eq!(call("faces", json!([["Eye", "Army"], "shadow", 1, 2])), json!([]), "there is no third");
    }
}
