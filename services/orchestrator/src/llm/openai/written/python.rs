//! Calls as some models write them: in the way of Python, `roll_dice(pool=3, reason="to hide")`.

use serde_json::{Map, Value, json};

/// Why a text is no call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stop {
    /// It ends before one can tell.
    Early,
    /// It says something else.
    Other,
}

/// Deepest list or dictionary that is read.
const DEPTH: usize = 32;

/// The calls in brackets that a text begins with, and what follows them.
pub(super) fn list(text: &str) -> Result<(Vec<Value>, &str), Stop> {
    let mut reader = Reader { rest: text };
    reader.expect('[')?;
    let calls = reader.several(']', Reader::call)?;
    if calls.is_empty() { Err(Stop::Other) } else { Ok((calls, reader.rest)) }
}

/// The call that a text begins with, and what follows it.
pub(super) fn call(text: &str) -> Result<(Value, &str), Stop> {
    let mut reader = Reader { rest: text };
    let call = reader.call()?;
    Ok((call, reader.rest))
}

/// The name that a text begins with, which may be empty, and what follows it.
pub(super) fn name(text: &str) -> (&str, &str) {
    let is_part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '.' | '-');
    let begins = text.starts_with(|char: char| char.is_alphabetic() || char == '_');
    let end = if begins { text.find(|char| !is_part(char)).unwrap_or(text.len()) } else { 0 };
    text.split_at(end)
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// What comes next, blanks aside.
    fn peek(&mut self) -> Result<char, Stop> {
        self.blanks();
        self.rest.chars().next().ok_or(Stop::Early)
    }

    fn expect(&mut self, wanted: char) -> Result<(), Stop> {
        if self.peek()? != wanted {
            return Err(Stop::Other);
        }
        self.rest = &self.rest[wanted.len_utf8()..];
        Ok(())
    }

    fn name(&mut self) -> Result<&'t str, Stop> {
        self.blanks();
        let (name, rest) = name(self.rest);
        match (name, rest) {
            (_, "") => Err(Stop::Early),
            ("", _) => Err(Stop::Other),
            _ => {
                self.rest = rest;
                Ok(name)
            }
        }
    }

    /// What stands between commas up to `end`.
    fn several<T>(&mut self, end: char, one: impl Fn(&mut Self) -> Result<T, Stop>) -> Result<Vec<T>, Stop> {
        let mut all = Vec::new();
        while self.peek()? != end {
            all.push(one(self)?);
            if self.peek()? != end {
                self.expect(',')?;
            }
        }
        self.expect(end)?;
        Ok(all)
    }

    /// A call, which some models have printed.
    fn call(&mut self) -> Result<Value, Stop> {
        self.blanks();
        let Some(printed) = self.rest.strip_prefix("print(") else { return self.plain_call() };
        self.rest = printed;
        let call = self.plain_call()?;
        self.expect(')')?;
        Ok(call)
    }

    fn plain_call(&mut self) -> Result<Value, Stop> {
        let name = self.name()?;
        if !self.rest.starts_with('(') {
            return Err(Stop::Other);
        }
        self.expect('(')?;
        let arguments = self.several(')', |reader| {
            let key = reader.name()?;
            reader.expect('=')?;
            Ok((key.to_owned(), reader.value(0)?))
        })?;
        // A tool may stand in a module, or be an object that can be called.
        let name = name.strip_suffix(".call").unwrap_or(name);
        let name = name.rsplit('.').next().unwrap_or(name);
        Ok(json!({"name": name, "arguments": arguments.into_iter().collect::<Map<_, _>>()}))
    }

    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        if depth == DEPTH {
            return Err(Stop::Other);
        }
        match self.peek()? {
            quote @ ('"' | '\'') => self.text(quote).map(Value::from),
            '[' => {
                self.expect('[')?;
                self.several(']', |reader| reader.value(depth + 1)).map(Value::from)
            }
            '{' => {
                self.expect('{')?;
                let pairs = self.several('}', |reader| {
                    let quote = reader.peek()?;
                    let key = if matches!(quote, '"' | '\'') { reader.text(quote)? } else { return Err(Stop::Other) };
                    reader.expect(':')?;
                    Ok((key, reader.value(depth + 1)?))
                });
                pairs.map(|pairs| pairs.into_iter().collect())
            }
            _ => self.word(),
        }
    }

    /// A number or one of the words that are values.
    fn word(&mut self) -> Result<Value, Stop> {
        let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.' | '_');
        let end = self.rest.find(|char| !is_part(char)).ok_or(Stop::Early)?;
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" | "true" => Ok(true.into()),
            "False" | "false" => Ok(false.into()),
            "None" | "null" => Ok(Value::Null),
            number => serde_json::from_str(number).map_err(|_| Stop::Other),
        }
    }

    fn text(&mut self, quote: char) -> Result<String, Stop> {
        self.expect(quote)?;
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                char if char == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => match chars.next().ok_or(Stop::Early)?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    other => text.push(other),
                },
                char => text.push(char),
            }
        }
        Err(Stop::Early)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (call, rest) = call(text).unwrap();
        assert_eq!(format!("{} {}{rest}", call["name"].as_str().unwrap(), call["arguments"]), expected);
    }

    #[test]
    fn a_call_has_its_arguments_by_name() {
        check(
            "roll(pool=3, hidden=True, why='it\\'s \"so\"') more",
            r#"roll {"hidden":true,"pool":3,"why":"it's \"so\""} more"#,
        );
        check("print(default_api.roll(a=[1, -2.5], b={'c': None}))", r#"roll {"a":[1,-2.5],"b":{"c":null}}"#);
        check("brave_search.call(query=\"x\")", r#"brave_search {"query":"x"}"#);
        check("get_scene()", "get_scene {}");
        assert_eq!(list("[a(), b(c=1,)]\n").map(|(calls, rest)| (calls.len(), rest)), Ok((2, "\n")));
    }

    #[test]
    fn what_is_none_is_told_apart_from_what_is_not_whole() {
        for text in ["[Platinum] waits", "[1, 2]", "[Anna (the decker)]", "[door(s)]", "[]", "[a(b=c)]"] {
            assert_eq!(list(text), Err(Stop::Other), "{text}");
        }
        for text in ["[", "[roll", "[roll(", "[roll(pool", "[roll(pool=3", "[roll(pool=3)", "[roll(why=\"to hide"] {
            assert_eq!(list(text), Err(Stop::Early), "{text}");
        }
    }
}
