//! The many ways to tell what became of a deed: shots, spells, drain, tests, plain dice. None bears a number.

/// A shot that hits.
pub(super) const SHOT_HITS: &[&str] = &[
    "The {weapon} roars, and {target} staggers as the shot strikes home.",
    "A flash, a crack, and {target} is hit. The echo of the {weapon} rolls away between the walls.",
    "Your shot finds its mark. {Target} jerks under the impact.",
    "You feel the {weapon} kick, and see the shot land: {target} reels.",
    "The world shrinks to the front sight. Then the {weapon} speaks, and {target} goes back a step with a cry.",
    "Brass rings on the concrete. Where your shot went in, {target} presses a hand, and the hand comes away red.",
];
/// One that does not.
pub(super) const SHOT_MISSES: &[&str] = &[
    "The {weapon} barks, but the shot goes wide of {target}.",
    "A flash, a crack, and nothing: the round whips past {target} and is gone.",
    "Your shot tears at the air beside {target}. A miss.",
    "The {weapon} kicks in your hand; {target} is untouched.",
    "Concrete dust, a ricochet singing off into the dark: {target} ducks, and is whole.",
    "For a moment you are sure of it. Then the smoke of the {weapon} clears, and {target} is looking straight at you.",
];
/// One whose dice all show a one.
pub(super) const SHOT_DISASTERS: &[&str] = &[
    "Every single die shows a one. The {weapon} gives a sound that no gun should make: a disaster, and no hit.",
    "All ones. Whatever could go wrong with that shot does; {target} is unharmed, and your evening has just become worse.",
];
/// A spell that takes effect.
pub(super) const SPELL_TAKES: &[&str] = &[
    "The mana answers. {spell} takes hold{on}.",
    "The world bends a little, and {spell} is there{on}.",
    "You let go, and {spell} settles{on}.",
    "The astral flares for a heartbeat: {spell} works{on}.",
    "You speak no word, and yet the air listens: {spell} unfolds{on}.",
];
/// One that comes to nothing.
pub(super) const SPELL_FAILS: &[&str] = &[
    "The mana slides out of your grip, and {spell} comes to nothing.",
    "For a moment {spell} almost has a shape. Then it is gone.",
    "You push, and the astral pushes back: {spell} fails.",
    "Somewhere between thought and hand {spell} comes apart; a smell of ozone is all that stays.",
];
/// One that is resisted.
pub(super) const SPELL_RESISTED: &[&str] = &[
    "{spell} is cast, but it breaks{on}: the will on the other side is stronger.",
    "{spell} washes over its target and finds no hold.",
    "You feel {spell} touch, and you feel it thrown back: somebody over there has clenched his teeth.",
];
/// Drain that does no harm.
pub(super) const DRAIN_NONE: &[&str] = &[
    "The drain runs off you like rain.",
    "You swallow the drain without a tremor.",
    "The drain comes, and you stand it off.",
    "A cold breath in the neck, no more: the drain passes you by.",
];
/// Drain that does.
pub(super) const DRAIN_SOME: &[&str] = &[
    "The drain hits behind the eyes.",
    "The drain takes its price.",
    "Your nose starts to bleed: the drain is real.",
    "The street tilts, rights itself, and leaves a taste of copper in your mouth.",
];
/// Plain dice with a success.
pub(super) const DICE_SUCCESSES: &[&str] = &[
    "The dice are with you.",
    "That will do.",
    "They come up well enough.",
    "They clatter, they spin, and they lie down the way you hoped.",
];
/// Without one.
pub(super) const DICE_FAILURES: &[&str] = &[
    "Nothing.",
    "The dice look the other way.",
    "Not one of them makes it.",
    "They roll a long way, and not one of them stops where you need it.",
];
/// With ones only.
pub(super) const DICE_DISASTERS: &[&str] =
    &["All ones. The Rule of One: a disaster.", "Every die a one; that is a disaster."];

/// What a test looks like, by what is tested.
pub(super) fn story_of(skill: &str, is_success: bool, is_disaster: bool) -> &'static [&'static str] {
    if is_disaster {
        return &[
            "Every die a one. It does not merely fail, it fails loudly.",
            "All ones: the kind of failure people tell stories about.",
        ];
    }
    let family = skill.to_lowercase();
    let is = |names: &[&str]| names.iter().any(|name| family.contains(name));
    match is_success {
        true if is(&["stealth"]) => &[
            "You are a shadow among shadows. Nobody turns a head.",
            "One breath, one step, one breath. You pass unseen.",
            "The lamp swings, the shadow swings with it, and you are always in the right one.",
        ],
        false if is(&["stealth"]) => &[
            "Something scrapes under your boot, and a head comes up.",
            "A loose tile, a long silence, and then a voice: somebody has noticed.",
            "A torch beam wanders over the wall, stops, and comes back to you.",
        ],
        true if is(&["negotiation", "etiquette", "leadership", "interrogation"]) => &[
            "You find the tone and keep it; they come round to you.",
            "A look, a pause, the right word: it works on them.",
            "You give them a way to agree that feels like their own idea, and they take it.",
        ],
        false if is(&["negotiation", "etiquette", "leadership", "interrogation"]) => {
            &["You talk, and watch their faces close.", "The words come out wrong. They are not having it."]
        }
        true if is(&["computer", "electronics", "demolitions"]) => &[
            "Your fingers know the way. A click, a green light, and it is yours.",
            "It takes a moment, and then it gives way as if it had always wanted to.",
            "Line by line and wire by wire it lets you in, and nothing raises its voice.",
        ],
        false if is(&["computer", "electronics", "demolitions"]) => &[
            "A red light answers you. It is not going to open today.",
            "You try it twice in your head and once for real, and it still does not work.",
            "Something in there is cleverer than you hoped, and now it knows you.",
        ],
        true if is(&["athletics"]) => {
            &["Muscle, timing, a bit of luck: you make it.", "You commit, and your body follows. Clean."]
        }
        false if is(&["athletics"]) => &["Your grip goes, and you with it.", "You are a handbreadth short."],
        true if is(&["car", "bike", "rotor", "hovercraft", "boat", "thrust", "winged"]) => {
            &["The machine does just what you want of it.", "Tyres, engine, nerve: everything holds."]
        }
        false if is(&["car", "bike", "rotor", "hovercraft", "boat", "thrust", "winged"]) => {
            &["The machine has its own idea, and it is not yours.", "You feel the moment when it gets away from you."]
        }
        true if is(&["biotech"]) => &["Your hands are quick and sure. It helps.", "You stop what has to be stopped."],
        false if is(&["biotech"]) => {
            &["You do what you can. It is not enough.", "Too much blood, too little light; it does not help."]
        }
        true if is(&["combat", "monowhip", "whip"]) => {
            &["You move in, and your strike is on its way.", "You find the gap in the guard."]
        }
        false if is(&["combat", "monowhip", "whip"]) => {
            &["You strike, and strike air.", "Your move is read before it is made."]
        }
        true if is(&["perception", "intelligence"]) => {
            &["You catch it: something there does not fit.", "Your eyes and ears do not let you down."]
        }
        false if is(&["perception", "intelligence"]) => {
            &["You notice nothing out of the ordinary.", "Rain, neon, noise. Nothing more."]
        }
        true => &[
            "It works.",
            "You have it: it goes the way you wanted.",
            "A breath held, and then relief. You succeed.",
            "It is closer than it looks from outside, but it holds. Done.",
        ],
        false => &[
            "It does not work.",
            "You try, and it slips away from you.",
            "Not this time.",
            "You are nearly there when it goes wrong, and then it goes wrong all the way.",
        ],
    }
}
