//! How a server wants to be asked: what it refuses is left out, or said in another way, from then on.

use super::ModelRequest;

/// How a request is written for its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// Whether it is to say what the answer cost; strict servers refuse the option.
    pub asks_usage: bool,
    /// Whether tools stand in their own field, and calls and results in messages of their own. Otherwise all of them are
    /// text, for models without a template for tools.
    pub has_tools: bool,
    /// Whether the system speaks in a message of its own. Otherwise it speaks at the head of the first player's.
    pub has_system: bool,
    /// Whether calls keep their ids. Otherwise they are cut to the nine letters and digits that Mistral's models take.
    pub keeps_ids: bool,
    /// Whether what the model thought before its calls goes back with them.
    pub returns_thoughts: bool,
}

/// What a server says that it cannot take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Complaint {
    Usage,
    Tools,
    System,
    Ids,
    Thoughts,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner { asks_usage: true, has_tools: true, has_system: true, keeps_ids: true, returns_thoughts: true }
    }
}

impl Manner {
    /// How to ask again after such a complaint, or after a refusal without one that can be read; none if nothing in the
    /// request can be said in another way.
    pub fn after(self, complaint: Option<Complaint>, request: &ModelRequest) -> Option<Manner> {
        let next = match complaint {
            None | Some(Complaint::Usage) => Manner { asks_usage: false, ..self },
            Some(Complaint::Tools) if request.tools.is_empty() => self,
            Some(Complaint::Tools) => Manner { has_tools: false, ..self },
            Some(Complaint::System) => Manner { has_system: false, ..self },
            Some(Complaint::Ids) => Manner { keeps_ids: false, ..self },
            Some(Complaint::Thoughts) => Manner { returns_thoughts: false, ..self },
        };
        (next != self).then_some(next)
    }
}

impl Complaint {
    /// What a refusal complains of, by its text.
    pub fn of(text: &str) -> Option<Complaint> {
        let text = text.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        // A conversation that is too long is no shorter in another form, though tools are named as a part of it.
        if says(&["context length", "context_length", "context window", "context size", "too long", "too large"]) {
            return None;
        }
        if says(&["stream_options", "include_usage"]) {
            return Some(Complaint::Usage);
        }
        if says(&["length of 9"]) {
            return Some(Complaint::Ids);
        }
        if says(&["reasoning_content", "reasoning_details", "messages.reasoning", "'reasoning'"]) {
            return Some(Complaint::Thoughts);
        }
        let is_denied = says(&["support", "not enabled", "not allowed", "only user and assistant"]);
        if is_denied && says(&["system role", "system message", "'system'", "developer instruction", "roles are"]) {
            return Some(Complaint::System);
        }
        says(&["tool", "function call", "functions", "jinja", "template"]).then_some(Complaint::Tools)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: impl Into<Option<Complaint>>) {
        assert_eq!(Complaint::of(text), expected.into(), "{text}");
    }

    #[test]
    fn what_servers_say_of_tools_is_understood() {
        for text in [
            r#"{"error":{"message":"registry.ollama.ai/library/gemma:2b does not support tools","type":"api_error"}}"#,
            r#"{"error":{"code":500,"message":"tools param requires --jinja flag","type":"server_error"}}"#,
            r#"{"object":"error","message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"}"#,
            r#"{"error":{"message":"No endpoints found that support tool use.","code":404}}"#,
            r#"{"error":{"message":"`tools` is not supported with this model","type":"invalid_request_error"}}"#,
            r#"{"message":"Function calling is not enabled for this model","code":"3000"}"#,
            r#"[{"error":{"code":400,"message":"Function calling is not enabled for models/gemma-3-27b-it"}}]"#,
            r#"{"error":"Error rendering prompt with jinja template: \"Cannot call something that is not a function\""}"#,
        ] {
            check(text, Complaint::Tools);
        }
    }

    #[test]
    fn what_servers_say_of_all_else_is_told_apart() {
        check(
            r#"{"error":"Error rendering prompt with jinja template: \"System role not supported\""}"#,
            Complaint::System,
        );
        check("Developer instruction is not enabled for models/gemma-3-27b-it", Complaint::System);
        check("Unsupported value: 'messages[0].role' does not support 'system' with this model.", Complaint::System);
        check("Only user and assistant roles are supported!", Complaint::System);
        check("Unrecognized request argument supplied: stream_options", Complaint::Usage);
        check("Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.", Complaint::Ids);
        check("The reasoning_content is for display only. Please remove it from your message", Complaint::Thoughts);
        check("This model's maximum context length is 8192 tokens (4000 in the functions).", None);
        check(r#"{"detail": "extra fields not permitted"}"#, None);
        check("", None);
    }
}
