//! What players ask for and about, and the places on a sheet.

/// A section of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The whole, in short.
    Whole,
    /// All attributes.
    Attributes,
    /// All skills.
    Skills,
    /// Spells.
    Spells,
    /// Weapons.
    Weapons,
    /// Rounds in the weapons.
    Ammo,
    /// Armour.
    Armor,
    /// Everything else carried.
    Equipment,
    /// Contacts.
    Contacts,
    /// Vehicles and drones.
    Vehicles,
    /// Cyberware.
    Cyberware,
    /// Bioware.
    Bioware,
    /// Cyberdecks.
    Cyberdecks,
    /// Edges and flaws.
    EdgesAndFlaws,
    /// Bound spirits.
    Spirits,
    /// Foci.
    Foci,
    /// Adept powers.
    Powers,
    /// Money.
    Nuyen,
    /// Karma.
    Karma,
    /// The pools.
    Pools,
    /// Initiative.
    Initiative,
    /// Lifestyle.
    Lifestyle,
    /// Wounds.
    Condition,
    /// What is told of his past.
    Background,
}

/// Words for a section.
pub(crate) const SECTIONS: &[(&str, Section)] = &[
    ("character sheet", Section::Whole),
    ("combat pool", Section::Pools),
    ("magic pool", Section::Pools),
    ("hacking pool", Section::Pools),
    ("control pool", Section::Pools),
    ("dice pools", Section::Pools),
    ("karma pool", Section::Karma),
    ("pools", Section::Pools),
    ("pool", Section::Pools),
    ("adept powers", Section::Powers),
    ("powers", Section::Powers),
    ("power points", Section::Powers),
    ("edges", Section::EdgesAndFlaws),
    ("flaws", Section::EdgesAndFlaws),
    ("edge", Section::EdgesAndFlaws),
    ("attributes", Section::Attributes),
    ("stats", Section::Attributes),
    ("skills", Section::Skills),
    ("languages", Section::Skills),
    ("spells", Section::Spells),
    ("spellbook", Section::Spells),
    ("grimoire", Section::Spells),
    ("weapons", Section::Weapons),
    ("weapon", Section::Weapons),
    ("guns", Section::Weapons),
    ("arsenal", Section::Weapons),
    ("armed", Section::Weapons),
    ("ammo", Section::Ammo),
    ("ammunition", Section::Ammo),
    ("rounds left", Section::Ammo),
    ("bullets left", Section::Ammo),
    ("armor", Section::Armor),
    ("armour", Section::Armor),
    ("gear", Section::Equipment),
    ("equipment", Section::Equipment),
    ("inventory", Section::Equipment),
    ("contacts", Section::Contacts),
    ("contact", Section::Contacts),
    ("vehicles", Section::Vehicles),
    ("vehicle", Section::Vehicles),
    ("drones", Section::Vehicles),
    ("cars", Section::Vehicles),
    ("cyberware", Section::Cyberware),
    ("cyber", Section::Cyberware),
    ("chrome", Section::Cyberware),
    ("implants", Section::Cyberware),
    ("bioware", Section::Bioware),
    ("cyberdecks", Section::Cyberdecks),
    ("cyberdeck", Section::Cyberdecks),
    ("deck", Section::Cyberdecks),
    ("decks", Section::Cyberdecks),
    ("spirits", Section::Spirits),
    ("spirit", Section::Spirits),
    ("foci", Section::Foci),
    ("focus", Section::Foci),
    ("nuyen", Section::Nuyen),
    ("money", Section::Nuyen),
    ("cash", Section::Nuyen),
    ("credits", Section::Nuyen),
    ("creds", Section::Nuyen),
    ("rich", Section::Nuyen),
    ("karma", Section::Karma),
    ("initiative", Section::Initiative),
    ("lifestyle", Section::Lifestyle),
    ("condition monitor", Section::Condition),
    ("doing", Section::Condition),
    ("condition", Section::Condition),
    ("how am i", Section::Condition),
    ("wounded", Section::Condition),
    ("wounds", Section::Condition),
    ("hurt", Section::Condition),
    ("damage", Section::Condition),
    ("health", Section::Condition),
    ("background", Section::Background),
    ("backstory", Section::Background),
    ("sheet", Section::Whole),
    ("stat block", Section::Whole),
    ("character", Section::Whole),
];

/// How a question about the rules begins, rather than one about a sheet.
pub(crate) const RULE_QUESTIONS: &[&str] = &[
    "how does",
    "how do",
    "how is",
    "what does",
    "what do",
    "explain",
    "the drain of",
    "target number for",
    "tn for",
    "a tn",
    "the rules for",
    "rule for",
    "rules about",
    "what is a",
    "what a",
];

/// What players ask for that the house game master has no rules for, and what he can do instead.
pub(crate) const UNSUPPORTED: &[(&str, &str)] = &[
    (
        "reroll",
        "A roll that is logged stays as it fell, unless Karma helps: \"I reroll 4 failures with karma against 5\". I can roll anew: say \"again\", or name the dice.",
    ),
    (
        "astral",
        "I do not run astral space. A Sorcery or Conjuring test against a target number you agree on is the nearest thing I have.",
    ),
    (
        "matrix",
        "I do not run Matrix hosts node by node. A Computer test is the nearest thing: \"Computer test against 5\".",
    ),
    ("sell", "I have no prices for that. I can look up your gear, and roll Negotiation for the deal."),
    ("level up", "Which skill, and to what rating? \"I raise my Stealth to 5\" spends the karma for it."),
    (
        "take damage",
        "How much? \"I take a serious wound\" or \"I take 3 boxes of stun damage\" and I mark it; \"I resist 9M\" and I roll.",
    ),
];

/// Verbs and words that begin a question or ask to be shown something.
pub(crate) const ASKING: &[&str] = &[
    "what", "whats", "which", "how", "who", "whos", "whose", "where", "show", "list", "display", "tell", "view",
    "describe", "read", "lookup", "see", "do", "does", "is", "are", "am", "wat", "print",
];

/// What a question begins with, in one word or two.
pub(crate) const QUESTION_WORDS: &[&str] = &[
    "what", "whats", "wat", "which", "how", "who", "whos", "whose", "where", "when", "why", "if", "is", "are", "am",
    "was", "does", "did", "should", "would", "do i", "do we", "do you", "do they", "could i", "could we", "have i",
    "will i", "shall i",
];

/// How a wish for a deed is put as a question.
pub(crate) const REQUESTS: &[&str] =
    &["can you", "could you", "would you", "will you", "can i", "can we", "may i", "may we", "shall we", "let"];

/// Two words by which a deed is only thought of.
pub(crate) const SUPPOSING: &[&str] = &[
    "what if",
    "if i",
    "if we",
    "should i",
    "should we",
    "would i",
    "would we",
    "my chances",
    "the odds",
    "what happens",
];

/// Attempts to have a result without dice, or other rules.
pub(crate) const PLEAS: &[&str] = &[
    "system prompt",
    "you are now",
    "pretend you",
    "pretend that",
    "automatically succeed",
    "automatic success",
    "i automatically",
    "auto succeed",
    "jailbreak",
    "developer mode",
    "let me win",
    "make me win",
    "i win",
    "act as",
    "new instructions",
    "i rolled all sixes",
    "skip the roll",
    "without rolling",
    "don't roll",
];

/// Questions about the game master himself.
pub(crate) const HELP_QUESTIONS: &[&str] = &[
    "what can you do",
    "what can i do",
    "what can i say",
    "what do you do",
    "how does this work",
    "how do i play",
    "how do i start",
    "how does it work",
    "what do you understand",
    "who are you",
    "what are you",
    "how do i shoot",
    "how do i cast",
    "how do i roll",
    "how do i attack",
    "what now",
    "what are my options",
    "can you help",
    "what should i do",
    "how do we play",
    "how do we start",
];

/// Questions about who is at the table.
pub(crate) const PARTY_QUESTIONS: &[&str] = &[
    "who is here",
    "who here",
    "who is in",
    "who in the",
    "who is at",
    "who at the",
    "who is playing",
    "who playing",
    "who else is",
    "active characters",
    "in this session",
    "in the session",
    "the party",
    "our party",
    "who is with",
    "at the table",
];

/// Questions about which characters exist.
pub(crate) const CHARACTER_QUESTIONS: &[&str] = &[
    "which characters",
    "what characters",
    "list characters",
    "list the characters",
    "list all characters",
    "available characters",
    "characters are there",
    "characters exist",
    "all characters",
    "who can i play",
    "show characters",
    "show the characters",
    "show all characters",
];

/// Questions about the scene.
pub(crate) const SCENE_QUESTIONS: &[&str] = &[
    "where are we",
    "where am i",
    "what do i see",
    "what do we see",
    "the scene",
    "how far",
    "how dark",
    "how light",
    "how bright",
    "what is the light",
    "what the light",
    "what is the distance",
    "what the distance",
    "describe the",
    "what is around",
    "what around",
    "who is my target",
    "who are we fighting",
    "who am i fighting",
    "what is my target",
    "what is happening",
    "what happening",
    "look at the scene",
    "my surroundings",
    "how well lit",
];

/// Phrases of greeting.
pub(crate) const GREETINGS: &[&str] = &[
    "good evening",
    "good morning",
    "good afternoon",
    "good day",
    "let start",
    "let begin",
    "let play",
    "start the game",
    "begin the game",
];
