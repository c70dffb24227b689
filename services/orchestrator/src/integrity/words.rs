//! The verbs by which a narration is read, and the sentences that they stand in.

use std::sync::LazyLock;

use regex::Regex;

const SAY: &str = "says|said|asks|asked|shouts|shouted|yells|yelled|whispers|whispered|mutters|muttered|replies|replied|\
    answers|answered|growls|growled|snarls|snarled|promises|promised|agrees|agreed|refuses|refused";
const ACT: &str = "shoots|shot|fires|fired|draws|drew|aims|aimed|attacks|attacked|casts|runs|ran|walks|walked|charges|\
    charged|swings|swung|stabs|stabbed|throws|threw|grabs|grabbed|jumps|jumped|decides|decided|pulls|pulled|kicks|kicked|\
    punches|punched|dives|dived|steps|stepped|leaps|leapt|reloads|reloaded|grins|grinned|nods|nodded|laughs|laughed|\
    smiles|smiled|pays|paid|hands|signs|signed";

/// The same in German.
const SAY_DE: &str = "sagt|sagte|fragt|fragte|ruft|rief|schreit|schrie|brüllt|brüllte|flüstert|flüsterte|murmelt|murmelte|\
    antwortet|antwortete|erwidert|erwiderte|knurrt|knurrte|verspricht|versprach|meint|meinte";
const ACT_DE: &str = "schießt|schoss|feuert|feuerte|zieht|zog|zielt|zielte|greift|griff|wirkt|wirkte|zaubert|zauberte|rennt|\
    rannte|läuft|lief|geht|ging|stürmt|stürmte|schlägt|schlug|sticht|stach|wirft|packt|packte|springt|sprang|\
    entscheidet|entschied|tritt|lädt|grinst|grinste|nickt|nickte|lacht|lachte|lächelt|lächelte|zahlt|zahlte|bezahlt|\
    bezahlte|unterschreibt|unterschrieb";
/// German words behind which a noun stands, which is no name although it begins like one.
pub(super) const DETERMINERS_DE: &[&str] = &[
    "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines", "kein", "keine",
    "sein", "seine", "seinen", "seinem", "seiner", "ihr", "ihre", "ihren", "ihrem", "ihrer", "dein", "deine", "deinen",
    "deinem", "deiner", "dieser", "diese", "dieses", "jeder", "jede", "jedes", "zum", "zur", "im", "am", "vom", "beim",
    "ins",
];
/// German words that may be the subject behind a verb, so that what stands before it is none: `Schnell zieht er …`.
pub(super) const SUBJECTS_DE: &[&str] =
    &["er", "sie", "es", "du", "ich", "wir", "ihr", "man", "jemand", "niemand", "sich"];

/// What a player alone has his character do: to give up, to give away, to kill.
const GIVE_UP: &str = "surrenders|surrendered|kneels|knelt|confesses|confessed|betrays|betrayed|begs|begged|pleads|pleaded|\
    admits|admitted|accepts|accepted|swears|swore|kills|killed|murders|murdered|executes|executed|strangles|strangled|\
    slaps|slapped|kisses|kissed|flees|fled|gives up|gave up|hands over|handed over|opens fire|opened fire|\
    (?:drops|dropped|lays down|laid down|throws down|threw down) (?:his|her|its|their|all|the) (?:\\p{Ll}+ )?(?:weapons?|guns?|\
    pistols?|rifles?|arms|swords?|blades?|knife)|raises (?:his|her|their) hands";
const GIVE_UP_DE: &str = "ergibt sich|ergab sich|kniet|kniete|gesteht|gestand|verrät|verriet|bettelt|fleht|flehte|gibt auf|gab auf|\
    flieht|floh|tötet|tötete|ermordet|ermordete|erwürgt|eröffnet das Feuer|hebt die Hände|\
    lässt (?:seine|ihre|die) (?:Waffen?|Pistole) fallen";
/// What the dead do not, and anybody else may.
const STIR: &str = "rises|rose|gets up|got up|gets (?:back )?to|stands|stood|sits up|sat up|wakes|woke|awakens|awakes|awoke|\
    comes back|came back|comes to|returns|returned|revives|revived|recovers|recovered|opens (?:his|her|its|their) eyes|\
    opened (?:his|her|its|their) eyes|moves|moved|crawls|crawled|breathes|lives|staggers|staggered|lunges|lunged|strikes|\
    struck|hits|bites|bit|screams|screamed|cries|cried|hisses|hissed|escapes|escaped|turns|raises|raised|lifts|lifted|\
    reaches|reached|smirks|smirked|spits|glares|glared|looks at|looked at|keeps|continues|returns fire|\
    (?:is|are|was) (?:still |again |suddenly |very much |not dead|no longer dead)*(?:alive|awake|unharmed|unhurt|on \
    (?:his|her|its|their) feet|breathing)";
const STIR_DE: &str = "steht (?:\\p{Ll}+ )?auf|stand (?:\\p{Ll}+ )?auf|erhebt sich|erhob sich|erwacht|erwachte|lebt|atmet|bewegt sich|\
    rührt sich|öffnet (?:die|seine|ihre) Augen|kehrt zurück|kommt zurück|kriecht|kroch|hebt|ist (?:wieder )?(?:am Leben|da|wach|\
    auf den Beinen)";
/// How they are told to do it further on in a sentence, where no participle can be meant.
const THEN: &str = "shoots|fires|draws|aims|attacks|casts|runs|walks|charges|swings|stabs|throws|grabs|jumps|pulls|kicks|\
    punches|steps|leaps|grins|laughs|nods|says|shouts|rises|gets up|stands up|sits up|wakes|comes back|opens (?:his|her|its|their) \
    eyes|lunges|schießt|feuert|zieht|greift|steht auf|erhebt sich|lacht|grinst|sagt";

const ADVERB: &str = r"(?: (?:\p{Ll}+ly|then|now|just|only|already|still|again|dann|nun|jetzt|nur|leise|langsam|schnell|plötzlich|wieder))?";

/// Somebody with a name does or says something: the name, and the verb.
pub(super) static DOES: LazyLock<Regex> = LazyLock::new(|| {
    // A name is one to three words that begin with a capital or a figure behind one, such as `Ganger 2`.
    let name = r"(?P<name>\p{Lu}[\p{L}'\u{2019}-]+(?: (?:\p{Lu}[\p{L}'\u{2019}-]+|\d+)){0,2})";
    let give_up = format!("(?P<give_up>{GIVE_UP}|{GIVE_UP_DE})");
    let stir = format!("(?P<stir>{STIR}|{STIR_DE})");
    Regex::new(&format!(r"{name}{ADVERB} (?:{give_up}|{stir}|{SAY}|{ACT}|(?P<german>{SAY_DE}|{ACT_DE}))\b"))
        .expect("it is the same text each time")
});

/// What somebody does further on in a sentence that has begun with him.
pub(super) static GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    let link = r"(?:,|\band|\bthen|\bbut|\bund|\bdann)";
    let adverb = r"(?:(?:then|suddenly|slowly|again|\p{Ll}+ly|dann|plötzlich|langsam) )?";
    Regex::new(&format!(r"^[^.!?\n]{{0,80}}?{link}\s+{adverb}(?:{THEN})\b")).expect("it is the same text each time")
});

/// Somebody without a name does something, who may be called dead.
pub(super) static NOUN_DOES: LazyLock<Regex> = LazyLock::new(|| {
    let dead = "dead|fallen|slain|lifeless|killed|deceased|tote[rn]?|gefallene[rn]?|getötete[rn]?";
    let the = "the|der|die|das";
    let verbs = format!("(?P<stir>{STIR}|{STIR_DE})|{GIVE_UP}|{GIVE_UP_DE}|{SAY}|{ACT}|{SAY_DE}|{ACT_DE}");
    Regex::new(&format!(r"(?i)\b(?:{the})\s+(?P<dead>(?:{dead})\s+)?(?P<noun>\p{{L}}+){ADVERB} (?:{verbs})\b"))
        .expect("it is the same text each time")
});

/// Said of nobody but the dead.
pub(super) static FROM_THE_DEAD: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"(?i)\b\p{L}+ (?:\p{L}+ )?from the dead\b|\b\p{L}+,? alive and well\b|\bvon den toten (?:auf|zurück)\b";
    Regex::new(text).expect("it is the same text each time")
});

/// What takes back that somebody acts.
pub(super) static NEVERMORE: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"^ (?:no more|no longer|not|never|nothing more|nicht|nie|kein\p{L}*)\b";
    Regex::new(text).expect("it is the same text each time")
});

/// A speech, and who speaks it: before it or behind it, or as in a play.
pub(super) static SPEECH: LazyLock<Regex> = LazyLock::new(|| {
    // Opened and shut as in English or as in German.
    let marks = "\"\u{201C}\u{201D}\u{201E}\u{AB}\u{BB}";
    let quote =
        |group: &str| format!("[\"\u{201C}\u{201E}\u{BB}](?P<{group}>[^{marks}]{{3,400}})[\"\u{201D}\u{201C}\u{AB}]");
    let name = |group: &str| format!(r"(?P<{group}>[Yy]ou|[Dd]u|\p{{Lu}}[\p{{L}}'\u{{2019}}-]+)");
    let say = "say|ask|shout|yell|whisper|mutter|reply|answer|growl|snarl|sagst|fragst|rufst|schreist|brüllst|flüsterst|\
        murmelst|antwortest|erwiderst|knurrst";
    let (before, after, last) = (name("before"), name("after"), name("last"));
    let player = r"(?P<player>\p{Lu}[\p{L}'\u{2019}-]+(?: (?:\p{Lu}[\p{L}'\u{2019}-]+|\d+)){0,2})";
    let (one, other, third) = (quote("one"), quote("other"), quote("third"));
    let verb = format!("(?:{SAY}|{SAY_DE}|{say})");
    let adverb = r"(?: (?:\p{Ll}+ly|dann|nun|leise|laut))?";
    let play = format!(r"{player}\**:\**\s*{third}");
    let text =
        format!("{before}{adverb} {verb}[^.!?{marks}]{{0,40}}{one}|{other},? (?:{after} {verb}|{verb} {last})|{play}");
    Regex::new(&text).expect("it is the same text each time")
});

/// Words that begin a sentence and are nobody's name.
pub(super) const NO_NAMES: &[&str] = &[
    "he",
    "she",
    "it",
    "they",
    "you",
    "we",
    "i",
    "who",
    "someone",
    "somebody",
    "everyone",
    "everybody",
    "nobody",
    "one",
    "another",
    "each",
    "this",
    "that",
    "the",
    "then",
    "and",
    "but",
    "as",
    "when",
    "while",
    "if",
    "so",
    "now",
    "both",
    "neither",
    "something",
    "nothing",
    "there",
    "here",
    "what",
    "all",
    "some",
    "his",
    "her",
    "its",
    "their",
    "your",
    "a",
    "an",
    "or",
    "nor",
    "yet",
    "suddenly",
    "finally",
    // German.
    "er",
    "sie",
    "es",
    "wir",
    "du",
    "ich",
    "wer",
    "jemand",
    "niemand",
    "jeder",
    "alle",
    "alles",
    "nichts",
    "etwas",
    "dann",
    "und",
    "doch",
    "aber",
    "als",
    "wenn",
    "während",
    "jetzt",
    "nun",
    "so",
    "da",
    "dort",
    "hier",
    "was",
    "beide",
    "plötzlich",
    "schließlich",
    "der",
    "die",
    "das",
    "ein",
    "eine",
    "sein",
    "seine",
    "ihr",
    "ihre",
    "dein",
    "deine",
    "dieser",
    "diese",
];
