//! Expressions over facts: guards and computed values, in CEL.
//!
//! The modules format writes `AND`, `OR` and `NOT`; outside quotes they mean `&&`, `||` and `!`. Everything else is CEL
//! as it stands, with the functions of `functions` beside its own. An expression can be evaluated with nothing but the
//! facts it names, so who evaluates it can log them.

pub mod quick;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock},
};

use cel::{
    Context, Env, ExecutionError, Program,
    common::ast::{EntryExpr, Expr, IdedExpr},
    extractors::Arguments,
    objects::Key,
};
use serde_json::{Map, Number, Value};

use crate::functions::{self, FUNCTIONS};
use quick::Condition;

/// Longest expression accepted, in bytes. The format sets no limit; this one bounds the cost of a definition.
const MAX_LENGTH: usize = 2_000;

/// Operators' and macros' names in the syntax tree begin with one of these; functions of the library do not.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A compiled expression.
pub struct Expression {
    source: String,
    program: Program,
    /// The short way, if it is a condition that has one.
    condition: Option<Condition>,
    facts: Vec<String>,
    /// The functions of our own that it calls.
    functions: Vec<&'static functions::Function>,
}

/// An expression that cannot be compiled.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompileError {
    /// The text is empty.
    #[error("the expression is empty")]
    Empty,
    /// The text is longer than [`MAX_LENGTH`].
    #[error("the expression has {0} bytes, {MAX_LENGTH} are allowed")]
    Length(usize),
    /// The text is not CEL.
    #[error("{0:?} is no expression: {1}")]
    Syntax(String, String),
}

/// An expression that has no value: a fact is unknown, or of a type that does not fit.
#[derive(Debug, thiserror::Error)]
#[error("{source_text:?} has no value: {reason}")]
pub struct EvaluateError {
    source_text: String,
    reason: String,
}

impl Expression {
    /// Compiles a text in CEL or in the words of the modules format.
    ///
    /// # Errors
    ///
    /// [`CompileError`] if it is empty, too long or not an expression.
    pub fn compile(text: &str) -> Result<Expression, CompileError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(CompileError::Empty);
        }
        if MAX_LENGTH < text.len() {
            return Err(CompileError::Length(text.len()));
        }
        let program = ENV
            .compile(&to_cel(text))
            .map_err(|error| CompileError::Syntax(text.to_owned(), first_line(&error.to_string())))?;
        let mut facts = BTreeSet::new();
        free_variables(program.expression(), &mut Vec::new(), &mut facts);
        let facts = facts.into_iter().collect();
        let references = program.references();
        let functions = FUNCTIONS.iter().filter(|function| references.has_function(function.name)).collect();
        drop(references);
        let condition = Condition::of(program.expression());
        Ok(Expression { source: text.to_owned(), program, condition, facts, functions })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of the facts it reads, in alphabetical order.
    pub fn facts(&self) -> &[String] {
        &self.facts
    }

    /// The short way, if it is a condition that has one.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// The value over these facts; those it does not name are not looked at.
    ///
    /// # Errors
    ///
    /// A fact is missing, or of a type that does not fit.
    pub fn evaluate(&self, facts: &Map<String, Value>) -> Result<Value, EvaluateError> {
        if let Some(value) = self.condition.as_ref().and_then(|condition| condition.value(facts)) {
            return Ok(value);
        }
        let mut context = Context::with_env(ENV.clone());
        for name in &self.facts {
            if let Some(value) = facts.get(name) {
                context.add_variable_from_value(name.as_str(), to_cel_value(value));
            }
        }
        for function in &self.functions {
            let call = |Arguments(arguments): Arguments| call(function, &arguments);
            let added = context.add_function(function.name, call);
            debug_assert!(added.is_ok(), "{} is a name of CEL", function.name);
        }
        let no_value = |reason: String| EvaluateError { source_text: self.source.clone(), reason };
        let value = self.program.execute(&context).map_err(|error| no_value(first_line(&error.to_string())))?;
        from_cel_value(&value).ok_or_else(|| no_value("the result is not plain data".to_owned()))
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Expression").field(&self.source).finish()
    }
}

/// Replaces the words `AND`, `OR` and `NOT` outside quotes.
fn to_cel(text: &str) -> String {
    let mut cel = String::with_capacity(text.len());
    let mut word = String::new();
    let mut quote = None;
    for letter in text.chars().chain([' ']) {
        if quote.is_none() && (letter.is_ascii_alphanumeric() || letter == '_') {
            word.push(letter);
            continue;
        }
        cel.push_str(match word.as_str() {
            "AND" => "&&",
            "OR" => "||",
            "NOT" => "!",
            other => other,
        });
        word.clear();
        cel.push(letter);
        match quote {
            Some(open) if open == letter => quote = None,
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            _ => {}
        }
    }
    cel.truncate(cel.trim_end().len());
    cel
}

/// Collects the variables that a macro inside the expression does not bind itself.
fn free_variables<'a>(node: &'a IdedExpr, bound: &mut Vec<&'a str>, free: &mut BTreeSet<String>) {
    match &node.expr {
        Expr::Unspecified | Expr::Literal(_) => {}
        Expr::Ident(name) => {
            if !name.starts_with('@') && !bound.contains(&name.as_str()) {
                free.insert(name.clone());
            }
        }
        Expr::Select(select) => free_variables(&select.operand, bound, free),
        Expr::List(list) => list.elements.iter().for_each(|element| free_variables(element, bound, free)),
        Expr::Call(call) => {
            let parts = call.target.as_deref().into_iter().chain(&call.args);
            parts.for_each(|part| free_variables(part, bound, free));
        }
        Expr::Map(map) => map.entries.iter().for_each(|entry| free_in_entry(&entry.expr, bound, free)),
        Expr::Struct(fields) => fields.entries.iter().for_each(|entry| free_in_entry(&entry.expr, bound, free)),
        Expr::Comprehension(comprehension) => {
            free_variables(&comprehension.iter_range, bound, free);
            free_variables(&comprehension.accu_init, bound, free);
            let outer = bound.len();
            bound.push(&comprehension.iter_var);
            bound.push(&comprehension.accu_var);
            free_variables(&comprehension.loop_cond, bound, free);
            free_variables(&comprehension.loop_step, bound, free);
            free_variables(&comprehension.result, bound, free);
            bound.truncate(outer);
        }
    }
}

fn free_in_entry<'a>(entry: &'a EntryExpr, bound: &mut Vec<&'a str>, free: &mut BTreeSet<String>) {
    match entry {
        EntryExpr::StructField(field) => free_variables(&field.value, bound, free),
        EntryExpr::MapEntry(entry) => {
            free_variables(&entry.key, bound, free);
            free_variables(&entry.value, bound, free);
        }
    }
}

/// Calls a function of our own.
fn call(function: &functions::Function, arguments: &[cel::Value]) -> Result<cel::Value, ExecutionError> {
    if arguments.len() != function.arity {
        return Err(ExecutionError::invalid_argument_count(function.arity, arguments.len()));
    }
    let arguments: Option<Vec<Value>> = arguments.iter().map(from_cel_value).collect();
    let arguments =
        arguments.ok_or_else(|| ExecutionError::function_error(function.name, "an argument is not plain data"))?;
    Ok(to_cel_value(&(function.call)(&arguments)))
}

/// Whole numbers become CEL's `int`, so that arithmetic never meets two kinds of them.
fn to_cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(yes) => cel::Value::Bool(*yes),
        Value::Number(number) => match number.as_i64() {
            Some(number) => cel::Value::Int(number),
            None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(to_cel_value).collect())),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (Key::String(Arc::new(key.clone())), to_cel_value(value)));
            cel::Value::Map(cel::objects::Map { map: Arc::new(fields.collect::<HashMap<_, _>>()) })
        }
    }
}

fn from_cel_value(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(yes) => Value::Bool(*yes),
        cel::Value::Int(number) => Value::from(*number),
        cel::Value::UInt(number) => Value::from(*number),
        cel::Value::Float(number) => Value::Number(Number::from_f64(*number)?),
        cel::Value::String(text) => Value::String(text.to_string()),
        cel::Value::List(items) => Value::Array(items.iter().map(from_cel_value).collect::<Option<_>>()?),
        cel::Value::Map(fields) => {
            let entry = |(key, value): (&Key, &cel::Value)| Some((key_text(key), from_cel_value(value)?));
            Value::Object(fields.map.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn key_text(key: &Key) -> String {
    match key {
        Key::Int(number) => number.to_string(),
        Key::Uint(number) => number.to_string(),
        Key::Bool(yes) => yes.to_string(),
        Key::String(text) => text.to_string(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The value of an expression over these facts, or "error".
    fn check(text: &str, facts: Value, expected: Value) {
        let facts = facts.as_object().unwrap();
        let value = Expression::compile(text).unwrap().evaluate(facts).unwrap_or_else(|_| json!("error"));
        assert_eq!(value, expected, "{text}");
    }

    #[test]
    fn guards_of_the_modules_format_mean_what_they_say() {
        check("CORRUPTION >= 12", json!({"CORRUPTION": 12}), json!(true));
        check("CORRUPTION >= 12", json!({"CORRUPTION": 11}), json!(false));
        check("FP_VP >= 4", json!({"FP_VP": 3}), json!(false));
        check("NEXT_ACTOR == 'FP'", json!({"NEXT_ACTOR": "SP"}), json!(false));
        check("A == 0 AND B == 0", json!({"A": 0, "B": 1}), json!(false));
        check("A == 0 OR B == 0", json!({"A": 0, "B": 1}), json!(true));
        check("COMBAT_FLAG == true", json!({"COMBAT_FLAG": true}), json!(true));
        check("NOT A", json!({"A": false}), json!(true));
    }

    #[test]
    fn brackets_and_both_words_bind_as_written() {
        let guard = "(A == 0 AND B == 0) OR (P == true AND Q == true)";
        check(guard, json!({"A": 0, "B": 0, "P": false, "Q": false}), json!(true));
        check(guard, json!({"A": 0, "B": 2, "P": true, "Q": true}), json!(true));
        check(guard, json!({"A": 0, "B": 2, "P": true, "Q": false}), json!(false));
    }

    #[test]
    fn the_words_are_left_alone_in_quotes_and_inside_names() {
        check("A == 'THIS AND THAT'", json!({"A": "THIS AND THAT"}), json!(true));
        check("ORDER == 'OR'", json!({"ORDER": "OR"}), json!(true));
        check("COMMAND", json!({"COMMAND": 7}), json!(7));
    }

    #[test]
    fn false_is_false() {
        check("false", json!({}), json!(false));
    }

    #[test]
    fn a_fact_that_is_not_there_has_no_value() {
        check("A > 1", json!({}), json!("error"));
        check("A > 1", json!({"A": "two"}), json!("error"));
    }

    #[test]
    fn lists_and_maps_can_be_computed_with() {
        check("A.filter(d, !(d in B))", json!({"A": [1, 2, 3], "B": [2]}), json!([1, 3]));
        check(
            "A.map(d, F[string(d)])",
            json!({"A": [210, 211], "F": {"210": "event", "211": "muster"}}),
            json!(["event", "muster"]),
        );
        check("size(A) - 1", json!({"A": [1, 2, 3]}), json!(2));
        check("has(E.die) ? E.die : 0", json!({"E": {}}), json!(0));
    }

    #[test]
    fn the_short_way_answers_what_cel_answers() {
        let facts = json!({
            "A": 1, "B": 2, "T": true, "F": false, "S": "x", "E": {"n": 3, "s": "y", "t": true}, "L": [1], "N": null, "D": 1.5,
        });
        let facts = facts.as_object().unwrap();
        let operands =
            ["A", "B", "2", "T", "F", "true", "S", "'x'", "E.n", "E.s", "E.t", "E.none", "L", "N", "D", "MISSING"];
        let comparisons = ["==", "!=", "<", "<=", ">", ">="];
        let mut texts = Vec::new();
        for (left, right) in operands.iter().flat_map(|left| operands.iter().map(move |right| (left, right))) {
            texts.extend(comparisons.iter().map(|how| format!("{left} {how} {right}")));
        }
        for left in ["T", "F", "A", "MISSING", "has(E.n)", "!has(E.none)", "A == 1", "S < A"] {
            texts.extend([left.to_owned(), format!("!{left}"), format!("!({left})")]);
            for right in ["T", "F", "MISSING", "E.t", "A > B", "has(A.n)"] {
                texts.extend([
                    format!("{left} && {right}"),
                    format!("{left} || {right}"),
                    format!("!({left} && {right})"),
                ]);
            }
        }
        let mut quick = 0;
        for text in texts {
            let Ok(mut expression) = Expression::compile(&text) else { continue };
            quick += usize::from(expression.condition.as_ref().and_then(|condition| condition.value(facts)).is_some());
            let short = expression.evaluate(facts).ok();
            expression.condition = None;
            assert_eq!(short, expression.evaluate(facts).ok(), "{text}");
        }
        assert!(100 < quick, "{quick} have a short answer");
    }

    #[test]
    fn functions_of_our_own_are_called_with_facts() {
        check("combinations(A, 2)", json!({"A": [1, 2, 3]}), json!([[1, 2], [1, 3], [2, 3]]));
        check("reach(A, 1).exists(r, r == 27)", json!({"A": 27}), json!(true));
        check("reach(A)", json!({"A": 27}), json!("error"));
        check("nonsense(A)", json!({"A": 27}), json!("error"));
    }

    #[test]
    fn an_expression_names_the_facts_it_reads_and_no_others() {
        let expression = Expression::compile("A.exists(d, d in B AND has(E.x)) OR size(C) > 0").unwrap();
        assert_eq!(expression.facts(), ["A", "B", "C", "E"]);
    }

    #[test]
    fn what_is_no_expression_is_refused_with_a_reason() {
        assert_eq!(Expression::compile("  ").unwrap_err(), CompileError::Empty);
        assert!(matches!(Expression::compile("A >="), Err(CompileError::Syntax(..))));
        assert!(matches!(Expression::compile("(A"), Err(CompileError::Syntax(..))));
        assert_eq!(Expression::compile(&"A".repeat(2_001)).unwrap_err(), CompileError::Length(2_001));
    }
}
