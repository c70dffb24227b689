//! The kinds of decisions, and who of `ring` and `war` weighs each of their choices.

use serde_json::{Map, Value};

use super::{
    Policy, Question, Strength, Weighed,
    noise::Noise,
    plan::{Plan, counted},
    position::{Position, boxes},
    ring::Ring,
    war::War,
};
use crate::{board::Side, machine::Choice, map};

/// Faces of a side's die.
const FP_FACES: [&str; 4] = ["character", "event", "muster", "army_muster"];
/// What decides the game, in points.
const VICTORY: f64 = 10.0;
/// Price of an Elven Ring, in points: there are few.
const RING: f64 = 1.6;
/// Cards that may stay in a hand.
const HAND: i64 = 6;

/// The opponent that comes with the service.
pub struct BuiltIn(pub Strength);

impl Policy for BuiltIn {
    fn weigh(&self, question: &Question) -> Vec<Weighed> {
        let position = Position::of(question);
        let judge = Judge {
            side: if question.decision.side == "shadow" { Side::Shadow } else { Side::FreePeoples },
            position: &position,
            strength: self.0,
            seed: question.seed,
        };
        let mut noise = Noise::new(question.seed);
        let mut weighed: Vec<Weighed> = (0..)
            .zip(&question.decision.choices)
            .map(|(index, choice)| {
                let plan = judge.plan(&question.decision.kind, choice, index);
                let carelessness = self.0.carelessness() * (noise.fraction() - 0.5);
                Weighed {
                    choice: index,
                    score: plan.worth + carelessness,
                    why: plan.why.clone(),
                    data: plan.into_data(),
                    is_bare: false,
                }
            })
            .collect();
        weighed.sort_by(|one, other| other.score.total_cmp(&one.score));
        weighed
    }
}

/// The number at the end of a choice's id.
fn number_after(id: &str) -> i64 {
    id.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(-1)
}

struct Judge<'a> {
    side: Side,
    position: &'a Position<'a>,
    strength: Strength,
    seed: u64,
}

impl Judge<'_> {
    fn ring(&self) -> Ring<'_> {
        Ring::new(self.position, self.strength, self.seed)
    }

    fn war(&self) -> War<'_> {
        War::new(self.position, self.side, self.strength, self.seed)
    }

    fn plan(&self, kind: &str, choice: &Choice, index: usize) -> Plan {
        let told = |key: &str| choice.data.get(key);
        let moves = || told("moves").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let number = |key: &str| told(key).and_then(Value::as_i64).unwrap_or_default();
        match (kind, choice.id.as_str()) {
            ("fellowship", "enter_mordor") => self.ring().enter_mordor(),
            ("fellowship", id) if id.starts_with("declare-") => self.ring().declare(number("area")),
            ("fellowship", "heal") => self.ring().heal(),
            ("fellowship", "activate") => self.ring().activate(),
            ("fellowship", "change_guide") => self.ring().change_guide(),
            ("fellowship", _) => Plan::new(0.5, "nothing else is worth it"),
            ("revealed", "board") => Plan::new(-VICTORY, "the figure is to be placed"),
            ("revealed", _) => self.ring().stand(number("area")),
            ("guide", name) => self.ring().guide(name),
            ("hunt_allocation", _) => self.ring().allocate(number("dice")),
            ("die", "pass") => Plan::new(0.4, "waiting costs nothing"),
            ("die", _) => self.die(&self.position.face_of(self.side, number("die"))),
            ("action", id) => self.action(id, &choice.data),
            ("discard", _) => self.discard(index),
            ("damage", "corruption") => self.ring().bear(),
            ("damage", "leave") => self.ring().lessened("a Hobbit leaves", 0.3),
            ("damage", "gollum") => self.ring().lessened("Gollum reveals it", 1.0),
            ("damage", "guide") => self.ring().sacrifice(&[self.position.text("GUIDE")]),
            ("damage", _) => self.ring().sacrifice(&self.position.texts("COMPANIONS")),
            ("combat_card", "inside") => self.war().inside(),
            ("combat_card", id) if id.starts_with("inside-") => Plan::new(-VICTORY, "the strongest go in"),
            ("combat_card", "none") => Plan::new(0.0, "the hand is kept for its events"),
            ("combat_card", _) => Plan::new(-0.5, "a card spent here is missing later"),
            ("casualties", "taken") => Plan::new(-VICTORY, "what falls is to be said"),
            ("casualties", _) => self.war().casualties(moves()),
            ("retreat", "go_on") => self.war().go_on(),
            ("retreat", "stop") => self.war().stop(),
            ("siege", "stop") => self.war().besiege(),
            ("retreat", "stand") => self.war().stand(),
            ("retreat", "retreat") => Plan::new(-VICTORY, "where to is to be said"),
            ("retreat", id) if id.starts_with("stop-") => self.war().fall_back(moves()),
            ("retreat", _) => self.war().retreat(moves()),
            ("siege", "elite") => Plan::new(-VICTORY, "which Elite it costs is to be said"),
            ("siege", _) => self.war().press(moves()),
            // Whatever nobody here knows is taken as it is offered.
            _ => Plan::new(-f64::from(u32::try_from(index).unwrap_or(u32::MAX)), "it is offered first"),
        }
    }

    /// A die by the best that can be done with its face.
    fn die(&self, face: &str) -> Plan {
        let best = self.best_of(face);
        Plan::new(best.worth, format!("{}: {}", if face.is_empty() { "face unknown" } else { face }, best.why))
    }

    fn best_of(&self, face: &str) -> Plan {
        let nothing = Plan::new(-1.0, "nothing to do with it");
        if face == "will_of_the_west" {
            let faces = FP_FACES.iter().map(|face| self.best_of(face));
            return faces.fold(self.use_for("upgrade"), Plan::or);
        }
        self.uses(face).iter().map(|action| self.use_for(action)).fold(nothing, Plan::or)
    }

    /// What a face may be used for; the machine offers no more than this.
    fn uses(&self, face: &str) -> Vec<&'static str> {
        let fellowship = ["move_fellowship", "hide_fellowship"];
        let mut uses: Vec<&'static str> = match face {
            "character" => vec!["attack"],
            "army" => vec!["move_armies", "attack"],
            "muster" => vec!["advance_nation", "recruit", "bring_minion", "saruman_musters"],
            "army_muster" => {
                vec!["move_armies", "attack", "advance_nation", "recruit", "bring_minion", "saruman_musters"]
            }
            "event" => vec!["draw_strategy_card"],
            _ => Vec::new(),
        };
        match self.side {
            Side::FreePeoples if face == "character" => uses.extend(fellowship),
            Side::Shadow if face == "character" => uses.push("move_nazgul"),
            _ => {}
        }
        // With Strider as the Guide any die hides.
        let strider_guides = self.position.text("GUIDE") == "Strider";
        if self.side == Side::FreePeoples && strider_guides && face != "character" && !face.is_empty() {
            uses.push("hide_fellowship");
        }
        if self.side == Side::FreePeoples {
            uses.retain(|action| !matches!(*action, "bring_minion" | "saruman_musters"));
        }
        uses
    }

    /// An action, however it is paid for.
    fn use_for(&self, action: &str) -> Plan {
        match action {
            "move_fellowship" => self.ring().step(),
            "hide_fellowship" => self.ring().hide(),
            "move_armies" | "move_army" => self.war().march(),
            "attack" => self.war().attack(),
            "recruit" => self.war().recruit(),
            "advance_nation" => {
                let nations: &[&str] = match self.side {
                    Side::Shadow => &["Isengard", "Sauron", "Southrons and Easterlings"],
                    Side::FreePeoples => &["Gondor", "Rohan", "Elves", "North", "Dwarves"],
                };
                let plans = nations.iter().map(|nation| self.war().advance(nation));
                plans.fold(Plan::new(-1.0, "all are at war"), Plan::or)
            }
            "bring_minion" => self.newcomer("MINION_ENTRIES", |entry| self.minion(entry)),
            "upgrade" => self.newcomer("UPGRADES", |entry| self.upgrade(entry)),
            "saruman_musters" => self.war().saruman_musters(),
            "move_nazgul" => self.nazgul(),
            "draw_character_card" => self.draw(boxes(self.side).character_deck, 0.75),
            "draw_strategy_card" => self.draw(boxes(self.side).strategy_deck, 0.8),
            "play_card" => Plan::new(0.1, "what a card does is for people to say"),
            "skip" => Plan::new(-0.8, "a die thrown away is an action lost"),
            "separate_companions" | "move_companions" => Plan::new(0.05, "they are safer together"),
            _ => Plan::new(0.0, "nobody here knows it"),
        }
    }

    fn action(&self, id: &str, data: &Map<String, Value>) -> Plan {
        let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
        if id.starts_with("face-") {
            let best = self.best_of(text("face"));
            return Plan::new(best.worth, best.why);
        }
        if id == "ring-eye" {
            return Plan::new(-0.2, "an Eye more for the price of a Ring and a die");
        }
        if id.starts_with("ring-") {
            let now = self.best_of(self.position.text("SELECTED_FACE")).worth;
            let best = self.best_of(text("face"));
            return Plan::new(best.worth.min(now + 3.0) - RING, format!("a Ring's price, and then: {}", best.why));
        }
        // Their choices tell their own moves, the used die's among them.
        let entry = Value::Object(data.clone());
        match text("action") {
            "bring_minion" => return self.minion(&entry),
            "upgrade" => return self.upgrade(&entry),
            _ => {}
        }
        if let Some(plan) = self.part(id, data) {
            return plan;
        }
        let plan = match text("nation") {
            "" => self.use_for(id),
            nation => self.war().advance(nation),
        };
        // The die that moves the Fellowship goes to the Hunt Box after the Hunt, and the machine sees to it.
        if id == "move_fellowship" { plan } else { self.war().with_used_die(plan) }
    }

    /// What is offered with its target, or has begun; `None` for all others. It tells its own moves.
    fn part(&self, id: &str, data: &Map<String, Value>) -> Option<Plan> {
        let moves = data.get("moves").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let number = |key: &str| data.get(key).and_then(Value::as_i64);
        let (kind, _) = id.split_once('-').unwrap_or((id, ""));
        Some(match kind {
            "march" => self.war().offered_march(moves),
            "attack" if id != "attack" => self.war().offered_attack(number("from")?, number("region")?),
            "recruit" if id != "recruit" => self.war().offered_recruit(id, moves),
            "card" => self.card(number("card")?),
            "fly" => self.flight(data),
            "saruman" => self.war().offered_muster(id, moves),
            "to" if self.side == Side::Shadow => {
                let wanted = number_after(id) == self.position.number("FELLOWSHIP_AREA");
                Plan::new(if wanted { 2.0 } else { 0.0 }, "where the Fellowship is")
            }
            "leave" | "group" | "with" => Plan::new(-0.2, "they are safer where they are"),
            "split" | "raid" | "along" => Plan::new(-VICTORY, "an Army goes as a whole"),
            "back" => Plan::new(-0.5 * VICTORY, "an Army goes as a whole"),
            "part" | "strike" => Plan::new(0.0, "whoever is chosen goes"),
            "separate" | "to" => Plan::new(0.0, "as near as can be"),
            "enough" => Plan::new(0.0, "nothing else is worth it"),
            // What lies on the board is a person's to say.
            "move_armies"
            | "move_army"
            | "attack"
            | "recruit"
            | "move_nazgul"
            | "play_card"
            | "separate_companions"
            | "move_companions"
            | "saruman_musters"
                if self.position.has_board() =>
            {
                Plan::new(-VICTORY, "who and where is to be said")
            }
            _ => return None,
        })
    }

    /// A card is played by an Event die sooner than by one whose kind of card it may not be.
    fn card(&self, card: i64) -> Plan {
        let is_strategy = self.position.list("CHARACTER_CARDS").iter().all(|other| *other != card);
        let is_sure = !is_strategy || self.position.text("SELECTED_FACE") == "event";
        Plan::new(if is_sure { 0.1 } else { -0.3 }, "what a card does is for people to say")
    }

    /// A Nazgûl takes wing for the Fellowship, one a turn.
    fn flight(&self, data: &Map<String, Value>) -> Plan {
        let flyer = data.get("group").and_then(|group| group.get(0)).and_then(Value::as_i64).unwrap_or_default();
        let is_nazgul = map::unit(flyer).is_some();
        if is_nazgul && self.position.list("BEGUN_PIECES").is_empty() {
            self.nazgul()
        } else {
            Plan::new(-0.2, "one is enough")
        }
    }

    /// Cards go by a whim that is the same each time: what they do is for people to say.
    fn discard(&self, index: usize) -> Plan {
        let mut noise = Noise::new(self.seed ^ u64::try_from(index).unwrap_or_default());
        Plan::new(noise.fraction(), "one as good as another")
    }

    fn draw(&self, deck: i64, worth: f64) -> Plan {
        let hand = self.position.number(if self.side == Side::Shadow { "SP_HAND_SIZE" } else { "FP_HAND_SIZE" });
        let cards: Vec<i64> = self.position.pieces_in(deck).collect();
        let why = format!("{} in hand", counted(hand, "card", "cards"));
        let plan = Plan::new(if hand < HAND { worth } else { -0.2 }, why);
        let count = u64::try_from(cards.len()).unwrap_or_default();
        if count == 0 {
            return plan;
        }
        let drawn = usize::try_from(Noise::new(self.seed).below(count)).unwrap_or_default();
        plan.moving(&[cards[drawn]], deck, boxes(self.side).hand)
    }

    /// A Minion comes into play where the rules allow it, best where his Army is largest; his die comes with the next turn.
    fn minion(&self, entry: &Value) -> Plan {
        let Some((name, area)) =
            entry.get("minion").and_then(Value::as_str).zip(entry.get("area").and_then(Value::as_i64))
        else {
            return Plan::new(-1.0, "no Minion may come");
        };
        let army = self.position.army(Side::Shadow, area).strength();
        let led = 0.05 * f64::from(u32::try_from(army).unwrap_or_default());
        Plan::new(5.0 + led, format!("{name} brings a die a turn, {} with him", counted(army, "unit", "units")))
    }

    /// The best of those who may come into play, by the name that the machine has for the list.
    fn newcomer(&self, list: &str, weigh: impl Fn(&Value) -> Plan) -> Plan {
        self.position.list(list).iter().map(weigh).fold(Plan::new(-1.0, "nobody may come"), Plan::or)
    }

    /// Aragorn or Gandalf the White.
    fn upgrade(&self, entry: &Value) -> Plan {
        let Some(name) = entry.get("character").and_then(Value::as_str) else {
            return Plan::new(-1.0, "nobody is ready for it");
        };
        // Where he comes he wakes a Nation, best one that has an enemy near it.
        let area = entry.get("area").and_then(Value::as_i64).unwrap_or_default();
        let at_home = map::settlement(area).is_some_and(|place| map::side_of(place.nation) == Side::FreePeoples);
        Plan::new(if at_home { 4.5 } else { 4.4 }, format!("{name} brings a die a turn"))
    }

    /// A Nazgûl flies to the Fellowship: a failed Hunt die is thrown again.
    fn nazgul(&self) -> Plan {
        let position = self.position;
        let target = position.number("FELLOWSHIP_AREA");
        let held_by_enemy = position.holder(target) == Some(Side::FreePeoples)
            && map::settlement(target).is_some_and(|place| place.is_stronghold);
        let is_there = |piece: i64| position.area(piece) == Some(target);
        let nazgul: Vec<i64> = (37..=40).chain(318..=321).collect();
        if !position.has_board() || position.is_on_mordor_track() || held_by_enemy {
            return Plan::new(-0.2, "they cannot reach the Fellowship");
        }
        if nazgul.iter().any(|piece| is_there(*piece)) {
            return Plan::new(-0.1, "one is with the Fellowship already");
        }
        let is_on_map = |piece: i64| position.area(piece).is_some_and(map::is_region);
        if nazgul.into_iter().any(is_on_map) {
            Plan::new(1.2, "a failed Hunt die is thrown again where a Nazgûl is")
        } else {
            Plan::new(-0.2, "none is on the map")
        }
    }
}
