//! What a player means: from his words to an action and its details. Pure; the player's text is only ever data here.

mod meaning;

pub(crate) use self::meaning::{Action, Details, Purchase, Question, Understanding, WeaponSaid};
use super::{
    fight_words,
    lexicon::{self, Section},
    said::Said,
    words,
};

/// Reads a message. `names` are the active characters. What is asked or supposed is not done.
pub(crate) fn understand(text: &str, names: &[&str]) -> Understanding {
    let text = words::plain(text);
    let (told, asked) = Said::told_and_asked(&text);
    if asked.words.is_empty() {
        return read(told, names);
    }
    if told.words.is_empty() {
        return read(asked, names).supposed();
    }
    let (told, asked, all) = (read(told, names), read(asked, names), read(Said::new(&text), names));
    match (told.action.acts(), asked.action.acts()) {
        (true, false) => told,
        (true, true) if told.action != Action::Scene => told,
        (false, false) if asked.action != Action::Nothing => {
            Understanding { actor: asked.actor.or(all.actor), ..asked }
        }
        _ => all.supposed(),
    }
}

fn read(mut said: Said<'_>, names: &[&str]) -> Understanding {
    let has_question_mark = said.words.iter().any(|word| word.is_asked);
    let actor = said.take_actor(names);
    let is_first_person = said
        .words
        .iter()
        .any(|word| matches!(word.text.as_str(), "i" | "i'm" | "im" | "i'll" | "i've" | "i'd" | "my" | "me"));
    let stranger = if actor.is_none() { said.stranger() } else { None };
    let is_for_all = said.has(&["everyone", "everybody", "all"]);
    let mut details = said.details(names);
    let mut action = said.action(&details, actor.is_some(), has_question_mark);
    if action == Action::Nothing && (is_first_person || actor.is_some()) && 2 <= said.words.len() {
        action = Action::Free;
    }
    match action {
        Action::Rules => details.query = said.query(),
        Action::Rest => details.is_long = said.has(fight_words::LONG_RESTS),
        Action::StartFight if said.says(fight_words::FOES_ACT) => details.target = said.doer(fight_words::FOES_ACT),
        _ => {}
    }
    let is_name = actor.as_ref().is_some_and(|name| said.words.len() <= words::split(name).len() + 1);
    Understanding { action, details, actor, stranger, is_first_person, is_for_all, is_name }.settled()
}

impl Understanding {
    /// The same, only thought of.
    fn supposed(mut self) -> Understanding {
        if self.action.acts() || self.action == Action::Free {
            self.action = Action::Asked(Box::new(self.action));
        }
        self
    }

    /// Loose numbers find their place once the action is known.
    fn settled(mut self) -> Understanding {
        let details = &mut self.details;
        match &self.action {
            Action::Attack | Action::Melee(_) => details.combat_pool = details.combat_pool.or(details.dice.take()),
            Action::Cast => {
                details.spell_pool = details.spell_pool.or(details.dice.take()).or(details.combat_pool.take());
            }
            _ => {}
        }
        if matches!(self.action, Action::Roll)
            && let (Some(notation), Some(_)) = (&details.notation, details.target_number)
            && let Some(dice) = notation.strip_suffix("d6").or_else(|| notation.strip_suffix("d6!"))
            && let Ok(dice) = dice.parse()
        {
            // "8d6 against 5" is a success test.
            details.dice = Some(dice);
            details.notation = None;
        }
        self
    }
}

impl Said<'_> {
    /// What is wanted, the surest signs first.
    fn action(&self, details: &Details, names_actor: bool, has_question_mark: bool) -> Action {
        if self.words.is_empty() {
            return Action::Nothing;
        }
        let is_asking = self.is_asking(has_question_mark);
        if let Some(action) = self.booked(details, is_asking) {
            return action;
        }
        if self.is_plea() {
            return Action::Plea;
        }
        if self.is_help() {
            return Action::Help;
        }
        let is_short = self.words.len() <= 4;
        if let Some(action) = self.round_of_fight(details, names_actor, is_asking) {
            return action;
        }

        let spells_end = self.phrase("let go").is_some()
            || self.has(&["drop", "stop", "end", "release", "dispel", "cancel", "drops", "dropping"]);
        let names_spells = details.spell.is_some() || self.has(&["spell", "spells", "sustaining"]);
        if spells_end && names_spells && !self.has(lexicon::SHOOT_VERBS) {
            return Action::DropSpell;
        }
        if self.words.iter().any(|word| word.text.starts_with("sustain")) && !self.has(&["cast", "casting"]) {
            return Action::Sustained;
        }
        if let Some(action) = self.about_the_table(is_asking, details) {
            return action;
        }
        if let Some(action) = self.with_its_own_tool(details, is_asking) {
            return action;
        }
        if is_asking && details.difficulty.is_some() && self.says(&["target number", "tn"]) {
            return Action::TargetNumber;
        }
        let is_shot = details.range.is_some() || details.weapon.is_some() && details.target.is_some();
        if is_asking && is_shot && self.says(&["target number", "tn", "need"]) {
            return Action::Attack;
        }
        let wants_rule = is_asking && self.says(lexicon::RULE_QUESTIONS) || self.says(fight_words::LOOK_UPS);
        if wants_rule && !names_actor && !self.has(&["my", "have"]) {
            return Action::Rules;
        }
        if let Some(item) = self.item_asked_for(is_asking) {
            return Action::Sheet(Question::Item(item));
        }
        if self.is_held_back() {
            return Action::Hold;
        }
        if self.is_cast(details, is_asking) {
            return Action::Cast;
        }

        let asks_how = self.text(0) == "how" || self.text(0) == "is" && self.has(fight_words::STATES);
        if names_actor && is_asking && asks_how && self.words.len() <= 4 && self.longest(lexicon::SECTIONS).is_none() {
            return Action::Sheet(Question::Section(Section::Condition));
        }
        let asks_for_test = self.has(&["roll", "test", "check", "rolls", "make", "try", "attempt", "tests"]);
        let has_roll = self.has(&["roll", "rolls", "throw", "reroll", "dice"]);
        let shoots = self.shoots();
        let skill = self.skill();
        if is_asking
            && !asks_for_test
            && !shoots
            && let Some(question) = self.question(skill)
        {
            return Action::Sheet(question);
        }
        if self.has(&["initiative", "initative", "initiatve", "init", "inititative"]) && !is_asking {
            return Action::Initiative;
        }
        if details.is_again && has_roll && details.notation.is_none() && details.dice.is_none() && skill.is_none() {
            return Action::Again;
        }
        let has_dice = details.notation.is_some() || details.dice.is_some();
        if has_dice && !shoots && (has_roll || is_short || details.notation.is_some()) && details.combat_pool.is_none()
        {
            return Action::Roll;
        }
        if asks_for_test && !(shoots && (details.weapon.is_some() || details.distance.is_some())) {
            if let Some(skill) = skill {
                return Action::SkillTest(skill.to_owned());
            }
            if let Some(attribute) = self.attribute() {
                return Action::AttributeTest(attribute.to_owned());
            }
        }
        let is_rated = details.target_number.is_some() || details.difficulty.is_some();
        if is_rated
            && !shoots
            && details.weapon.is_none()
            && let Some((name, _)) = words::find_name(&self.words, lexicon::SKILLS.iter().copied())
        {
            return Action::SkillTest(name.to_owned());
        }
        let travels = details.location.is_some() && self.says(&["we drive to", "we travel to", "we ride to"]);
        if travels || self.says(&["target is"]) {
            return Action::Scene;
        }
        if let Some(action) = self.attack(details, shoots) {
            return action;
        }
        // "Should I sneak past the guard?" asks about a deed.
        let is_knowledge = is_asking && !self.says(lexicon::SUPPOSING);
        if let Some((_, attribute, range)) = self.longest(lexicon::ATTRIBUTE_WORDS)
            && self.longest(lexicon::SKILL_WORDS).is_none_or(|(_, _, other)| other.len() <= range.len())
            && !is_knowledge
        {
            return Action::AttributeTest(attribute.to_owned());
        }
        if let Some((_, skill, _)) = self.longest(lexicon::SKILL_WORDS).filter(|_| !is_knowledge) {
            return Action::SkillTest(skill.to_owned());
        }
        if let Some(person) = self.spoken_to() {
            return Action::Talk(person);
        }
        if let Some((_, answer, _)) = self.longest(lexicon::UNSUPPORTED) {
            return Action::Unsupported(answer);
        }
        if (is_short || is_asking)
            && let Some(question) = self.question(skill)
        {
            return Action::Sheet(question);
        }
        if self.has(&["roll", "rolls", "reroll"]) || self.says(&["the dice", "throw dice"]) {
            return Action::Roll;
        }
        self.small_talk(details)
    }

    /// What a fight and its wounds need beside the deeds themselves.
    fn round_of_fight(&self, details: &Details, names_actor: bool, is_asking: bool) -> Option<Action> {
        if is_asking || self.has(&["test", "roll", "check", "cast", "casts"]) && details.foes.is_empty() {
            return self.says(fight_words::JOBS).then_some(Action::Job);
        }
        let is_shooting = self.has(lexicon::SHOOT_VERBS) && self.has(&["i", "i'm"]);
        if self.says(fight_words::FIGHT_BEGINS) && !is_shooting {
            return Some(Action::StartFight);
        }
        let acts_himself = names_actor || self.has(&["i", "i'm", "i'll", "i'd", "we", "let"]);
        if self.says(fight_words::FOES_ACT) && !acts_himself {
            return Some(Action::StartFight);
        }
        if self.says(fight_words::FIGHT_ENDS) {
            return Some(Action::EndFight);
        }
        if self.words.len() <= 4 && fight_words::PASSES.iter().any(|phrase| self.is_just(phrase)) {
            return Some(Action::Pass);
        }
        if self.says(fight_words::JOBS) {
            return Some(Action::Job);
        }
        if let Some(objective) = self.after(fight_words::OBJECTIVES) {
            return Some(Action::Objective(objective));
        }
        if let Some(milestone) = self.after(fight_words::MILESTONES) {
            return Some(Action::Milestone(milestone));
        }
        if let Some(name) = self.after(fight_words::NPCS) {
            return Some(Action::Npc(name));
        }
        if self.says(fight_words::FIRST_AID) {
            return Some(Action::FirstAid);
        }
        if self.says(fight_words::RELOADS) && !self.shoots() {
            return Some(Action::Reload);
        }
        if self.says(fight_words::RESTS) && self.words.len() <= 8 && details.spell.is_none() {
            return Some(Action::Rest);
        }
        let is_deed = names_actor || self.has(&["i", "my", "i'm"]) || self.has(lexicon::CAST_VERBS) || self.shoots();
        let comes = self.has(fight_words::APPEARING) || details.distance.is_some();
        (!details.foes.is_empty() && comes && !is_deed).then_some(Action::Foes)
    }

    /// Attempts to talk the game master out of his rules.
    fn is_plea(&self) -> bool {
        const DROPPING: &[&str] = &["ignore", "forget", "disregard", "override", "bypass", "break", "change", "bend"];
        const RULES: &[&str] = &["rules", "instructions", "prompt", "instruction", "guidelines"];
        let is_dropping = |index: usize| DROPPING.contains(&self.text(index)) && self.before(index, 1) != "i";
        let drops_rules = self.has(RULES) && (0..self.words.len()).any(is_dropping);
        let wants_successes = self.has(&["successes", "sucesses", "critical"])
            && self.has(&[
                "give", "grant", "got", "have", "rolled", "say", "assume", "pretend", "count", "return", "must",
            ]);
        let wants_goods = self.has(&["give", "grant", "set", "add"])
            && self.has(&["nuyen", "karma"])
            && !self.has(&["list", "overview"])
            && (self.words.iter().any(|word| word.number.is_some()) || self.says(&["give me", "give us", "grant me"]));
        drops_rules || wants_successes || wants_goods || self.says(lexicon::PLEAS)
    }

    fn is_help(&self) -> bool {
        let is_lone = self.has(&["help", "commands", "examples", "manual", "instructions"]) && self.words.len() <= 3;
        is_lone || self.says(lexicon::HELP_QUESTIONS)
    }

    /// Questions about the session and the scene.
    fn about_the_table(&self, is_asking: bool, details: &Details) -> Option<Action> {
        if self.says(lexicon::PARTY_QUESTIONS) {
            return Some(Action::Party);
        }
        let exist = self.says(lexicon::CHARACTER_QUESTIONS);
        if exist {
            return Some(Action::Characters);
        }
        let tell = self.says(lexicon::SCENE_QUESTIONS);
        if tell && is_asking {
            return Some(Action::TellScene);
        }
        let is_brief = self.words.len() <= 6 && !self.has(lexicon::SHOOT_VERBS) && !self.has(&["if"]);
        let asks_light = is_asking && details.light.is_some() && is_brief;
        asks_light.then_some(Action::TellScene)
    }

    /// "I don't shoot", "we hold our fire".
    fn is_held_back(&self) -> bool {
        const NOT: &[&str] =
            &["don't", "dont", "not", "never", "won't", "wont", "hold", "holds", "cease", "stop", "stops", "without"];
        let is_deed = |text: &str| {
            lexicon::SHOOT_VERBS.contains(&text) || lexicon::CAST_VERBS.contains(&text) || text == "attack"
        };
        let is_subject_moving = self.says(&["stops moving", "not moving"]);
        !is_subject_moving
            && (0..self.words.len())
                .any(|index| is_deed(self.text(index)) && (1..=2).any(|back| NOT.contains(&self.before(index, back))))
    }

    fn is_cast(&self, details: &Details, is_asking: bool) -> bool {
        let verb = self.has(lexicon::CAST_VERBS);
        if is_asking && (!verb || details.spell.is_none()) {
            return false;
        }
        let names_other = self.has(&["test", "check", "spells", "drain"]) && !verb;
        let has_spell = details.spell.is_some() && !names_other && !self.has(&["book", "describe"]);
        has_spell
            || (verb
                && (details.force.is_some() || self.has(&["spell", "cast", "casting", "casts"]))
                && !self.has(&["doubt"]))
    }

    pub(crate) fn shoots(&self) -> bool {
        let verb = (0..self.words.len()).any(|index| {
            let is_noun = matches!(self.text(index), "fire" | "blast" | "shot")
                && matches!(
                    self.before(index, 1),
                    "the" | "a" | "on" | "under" | "set" | "in" | "by" | "covering" | "called" | "friendly"
                );
            lexicon::SHOOT_VERBS.contains(&self.text(index)) && !is_noun
        });
        verb || self.says(lexicon::SHOOT_PHRASES)
    }

    fn attack(&self, details: &Details, shoots: bool) -> Option<Action> {
        let melee_weapon = self.longest(lexicon::MELEE_WEAPONS);
        let melee_verb = self.longest(lexicon::MELEE_VERBS);
        let attacks = self.has(lexicon::ATTACK_VERBS) || self.has(&["drop", "drops"]) && details.weapon.is_some();
        let has_gun = details.weapon.is_some();
        if !shoots && !has_gun {
            if let Some((_, skill, _)) =
                melee_weapon.filter(|_| attacks || melee_verb.is_some() || self.has(&["use", "with", "draw"]))
            {
                return Some(Action::Melee(skill.to_owned()));
            }
            if let Some((_, skill, _)) = melee_verb {
                return Some(Action::Melee(skill.to_owned()));
            }
        }
        let uses_gun = has_gun && (details.target.is_some() || details.distance.is_some()) && !self.is_statement();
        let takes_aim = details.aim_actions.is_some() || details.is_called_shot;
        let aims = takes_aim && (has_gun || details.target.is_some());
        (shoots || attacks || uses_gun || aims).then_some(Action::Attack)
    }

    /// "The troll has a gun", "the guard is 20 metres away": told of others, not done.
    fn is_statement(&self) -> bool {
        self.has(&["is", "are", "has", "have", "stands"]) && !self.has(&["i", "i'm", "my", "use", "using"])
    }

    /// The skill that is named, or that the deed takes; of two the first said: "hotwire the car" is Electronics.
    fn skill(&self) -> Option<&'static str> {
        let named = words::find_name(&self.words, lexicon::SKILLS.iter().copied());
        let done = self.longest(lexicon::SKILL_WORDS);
        match (named, done) {
            (Some((_, named)), Some((_, skill, done))) if done.start < named.start => Some(skill),
            (Some((name, _)), _) => Some(name),
            (None, done) => done.map(|(_, skill, _)| skill),
        }
    }

    /// What is asked for in "do I have a smartlink?".
    fn item_asked_for(&self, is_asking: bool) -> Option<String> {
        if !is_asking || !matches!(self.text(0), "do" | "does" | "have" | "has") {
            return None;
        }
        let is_having = |text: &str| matches!(text, "have" | "own" | "carry" | "got" | "know");
        let have = self.words.iter().position(|word| is_having(&word.text))?;
        let is_lead =
            |index: &usize| matches!(self.text(*index), "a" | "an" | "any" | "the" | "some" | "i" | "my" | "got");
        let start = (have + 1..self.words.len()).find(|index| !is_lead(index))?;
        let item: Vec<&str> = self.words[start..].iter().take(4).map(|word| word.text.as_str()).collect();
        let is_section = lexicon::SECTIONS.iter().any(|(phrase, _)| item.contains(phrase));
        (!is_section).then(|| item.join(" "))
    }

    fn attribute(&self) -> Option<&'static str> {
        let named = words::find_name(&self.words, lexicon::ATTRIBUTES.iter().copied()).map(|(name, _)| name);
        named.or_else(|| self.longest(lexicon::ATTRIBUTE_WORDS).map(|(_, attribute, _)| attribute))
    }

    /// What of a sheet is asked for.
    fn question(&self, skill: Option<&'static str>) -> Option<Question> {
        if self.has(&["cast", "casts"]) {
            return Some(Question::Section(Section::Spells));
        }
        let section = self.longest(lexicon::SECTIONS);
        let named = words::find_name(&self.words, lexicon::SKILLS.iter().copied());
        if let Some((name, range)) = named
            && section.as_ref().is_none_or(|(_, _, other)| !overlaps(&range, other) || range.len() > other.len())
        {
            return Some(Question::Skill(name.to_owned()));
        }
        if let Some((_, section, _)) = section.filter(|(phrase, _, _)| *phrase != "character" || self.words.len() <= 5)
        {
            return Some(Question::Section(section));
        }
        if let Some((name, _)) = words::find_name(&self.words, lexicon::ATTRIBUTES.iter().copied()) {
            return Some(Question::Attribute(name.to_owned()));
        }
        skill.filter(|_| self.has(&["skill", "rating", "good"])).map(|skill| Question::Skill(skill.to_owned()))
    }

    fn small_talk(&self, details: &Details) -> Action {
        if self.has(&["thanks", "thank", "thx", "cheers", "danke", "bye", "goodbye", "goodnight"])
            || self.says(&["good night", "well done"])
        {
            return Action::Thanks;
        }
        if details.is_again && self.words.len() <= 8 {
            return Action::Again;
        }
        if details.tells_scene()
            && self.words.len() > 2
            && (details.location.is_some() || details.light.is_some() || details.target.is_some())
        {
            return Action::Scene;
        }
        if details.distance.is_some() && self.has(&["distance", "away", "closer", "further", "farther", "back"]) {
            return Action::Scene;
        }
        const NODS: &[&str] =
            &["ok", "okay", "yes", "no", "yeah", "yep", "nope", "sure", "cool", "right", "nice", "great", "hm", "hmm"];
        if self.words.len() <= 2 && self.has(NODS) {
            return Action::Nod;
        }
        if self.says(&["forget it", "never mind", "nevermind", "forget that"]) {
            return Action::Hold;
        }
        let greets = matches!(
            self.text(0),
            "hi" | "hello" | "hey" | "greetings" | "hoi" | "yo" | "hallo" | "welcome" | "hiya" | "howdy"
        ) || self.says(lexicon::GREETINGS);
        if greets {
            return Action::Greeting;
        }
        if details.light.is_some() || details.location.is_some() {
            return Action::Scene;
        }
        if *details != Details::default() && self.words.len() <= 12 {
            return Action::Fragment;
        }
        Action::Nothing
    }
}

fn overlaps(left: &std::ops::Range<usize>, right: &std::ops::Range<usize>) -> bool {
    left.start < right.end && right.start < left.end
}
