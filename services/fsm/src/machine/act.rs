//! What actions do.

use serde_json::{Value, json};

use super::{
    Audience, MAX_DEPTH, MAX_ITEMS, MAX_MOVES, Output, OutputKind, Roll, Stop,
    run::{Block, Run},
};
use crate::{
    definition::{Line, Step, Verb},
    expression::Expression,
    text::{self, Template},
};

impl<'a> Run<'a> {
    pub(super) fn block(&mut self) -> &mut Block {
        self.blocks.last_mut().expect("there is one from the beginning")
    }

    pub(super) fn say(&mut self, text: String) {
        self.block().texts.push(text);
    }

    pub(super) fn say_prompt(&mut self, id: &str) -> Result<(), Stop> {
        if let Some(template) = self.machine.prompts.get(id) {
            let text = self.render(template)?;
            self.say(text);
        }
        Ok(())
    }

    pub(super) fn prompt_line(&mut self) -> Result<Option<String>, Stop> {
        match self.state().prompt.as_ref().and_then(|id| self.machine.prompts.get(id)) {
            Some(template) => self.render(template).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn action(&mut self, name: &str, depth: usize) -> Result<(), Stop> {
        if let Some(steps) = self.machine.actions.get(name) {
            return self.steps(steps, depth);
        }
        match name.strip_prefix("PROMPT_") {
            Some(prompt) => self.say_prompt(prompt),
            None => Ok(()),
        }
    }

    pub(super) fn steps(&mut self, steps: &'a [Step], depth: usize) -> Result<(), Stop> {
        if depth == MAX_DEPTH {
            return Ok(());
        }
        for Step { each, when, verb } in steps {
            let Some(each) = each else {
                self.step(when.as_ref(), verb, depth)?;
                continue;
            };
            let outer = self.locals.clone();
            for (index, item) in self.list(each)?.into_iter().enumerate().take(MAX_ITEMS) {
                self.bind(item, index);
                self.step(when.as_ref(), verb, depth)?;
            }
            self.locals = outer;
        }
        Ok(())
    }

    fn step(&mut self, when: Option<&'a Expression>, verb: &'a Verb, depth: usize) -> Result<(), Stop> {
        let wanted = match when {
            Some(when) => self.holds(when)?,
            None => true,
        };
        if wanted { self.verb(verb, depth) } else { Ok(()) }
    }

    /// Makes an item of a list, and its number, known to what is done for each of them.
    pub(super) fn bind(&mut self, item: Value, index: usize) {
        self.locals.insert("ITEM".to_owned(), item);
        self.locals.insert("NUMBER".to_owned(), Value::from(index + 1));
    }

    fn verb(&mut self, verb: &'a Verb, depth: usize) -> Result<(), Stop> {
        let says = matches!(verb, Verb::Prompt(_) | Verb::Menu(_) | Verb::Say(_) | Verb::Run(_));
        if self.is_looking && !says {
            return Ok(());
        }
        match verb {
            Verb::Prompt(id) => self.say_prompt(id)?,
            Verb::Menu(name) => {
                for Line { when, text } in self.machine.menus.get(name).into_iter().flatten() {
                    let wanted = match when {
                        Some(when) => self.holds(when)?,
                        None => true,
                    };
                    if wanted {
                        let line = match text {
                            Some(template) => self.render(template)?,
                            None => text::ruler(),
                        };
                        self.say(line);
                    }
                }
            }
            Verb::Say(template) => {
                let text = self.render(template)?;
                // A transition's action may say what its target's says again on entry: once is enough.
                if !self.block().texts.contains(&text) {
                    self.say(text);
                }
            }
            Verb::Show(template) => self.tell_host(template, OutputKind::Shown)?,
            Verb::Record(template) => self.tell_host(template, OutputKind::Record)?,
            Verb::Command(template) => {
                let kind = OutputKind::Command(self.render(template)?);
                self.block().commands.push(Output { audience: Audience::Everyone, kind });
            }
            Verb::Set(assignments) => {
                for (name, value) in assignments {
                    if let Some(value) = self.evaluate(value)? {
                        self.set(name.clone(), value);
                    }
                }
            }
            Verb::Foresee(assignments) => {
                for (name, value) in assignments {
                    if let Some(value) = self.evaluate(value)? {
                        self.foresee(name, value)?;
                    }
                }
            }
            Verb::Pair { keys, values, into } => {
                let keys = self.list(keys)?;
                let values = self.list(values)?;
                if keys.len() == values.len() {
                    self.set(into.clone(), pair(&keys, values));
                }
            }
            Verb::RollActionDice { side, dice, into } => {
                let dice = self.list(dice)?;
                if let Ok(count @ 1..) = u32::try_from(dice.len()) {
                    let faces = self.roll(Roll::ActionDice { side: side.clone(), count })?;
                    let faces = faces.as_array().cloned().unwrap_or_default();
                    self.set(into.clone(), pair(&dice, faces));
                }
            }
            Verb::RollHunt { level, free_peoples_dice, rerolls, into } => {
                let level = self.number(level, 20)?;
                let free_peoples_dice = self.number(free_peoples_dice, 20)?;
                let rerolls = self.number(rerolls, 3)?;
                let result = match level {
                    0 => json!({"rolls": [], "rerolled": [], "successes": 0}),
                    level => self.roll(Roll::Hunt { level, free_peoples_dice, rerolls })?,
                };
                self.set(into.clone(), result);
            }
            Verb::RollCombat { count, target, rerolls, into } => {
                let count = self.number(count, 5)?;
                let target = self.number(target, 6)?.max(2);
                let rerolls = self.number(rerolls, 5)?;
                let result = match count {
                    0 => json!({"rolls": [], "rerolled": [], "successes": 0}),
                    count => self.roll(Roll::Combat { count, target, rerolls })?,
                };
                self.set(into.clone(), result);
            }
            Verb::Pick { from, into } => {
                let items = self.list(from)?;
                if let Ok(count @ 1..) = u32::try_from(items.len()) {
                    let picked = self.roll(Roll::Pick { count })?;
                    let index = picked
                        .as_u64()
                        .and_then(|number| usize::try_from(number).ok())
                        .unwrap_or(1)
                        .clamp(1, items.len());
                    self.set(into.clone(), items[index - 1].clone());
                }
            }
            Verb::Raise(event) if self.raised.len() < MAX_MOVES => self.raised.push_back(event.clone()),
            Verb::Raise(_) => {}
            Verb::Send { event, after, id } => {
                let after = self.milliseconds(after)?;
                self.arrange(event, id, after, String::new());
            }
            Verb::Cancel(id) => self.memory.timers.retain(|timer| timer.id != *id),
            Verb::Wait(after) => {
                let after = self.milliseconds(after)?;
                self.arrange("", "", after, String::new());
            }
            Verb::Ask(name) => self.ask(name),
            Verb::Run(name) => self.action(name, depth + 1)?,
        }
        Ok(())
    }

    fn tell_host(&mut self, template: &Template, kind: fn(String) -> OutputKind) -> Result<(), Stop> {
        if self.event.assist {
            let kind = kind(self.render(template)?);
            self.tells_moves |= matches!(&kind, OutputKind::Record(record) if record.starts_with("$FSM moves "));
            self.block().commands.push(Output { audience: Audience::Host, kind });
        }
        Ok(())
    }

    /// The next roll of those that were given.
    fn roll(&mut self, roll: Roll) -> Result<Value, Stop> {
        match self.rolls.get(self.rolls_used) {
            Some(rolled) => {
                self.rolls_used += 1;
                Ok(rolled.result.clone())
            }
            None => Err(Stop::Roll(roll)),
        }
    }
}

fn pair(keys: &[Value], values: Vec<Value>) -> Value {
    let text = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    Value::Object(keys.iter().map(text).zip(values).collect())
}
