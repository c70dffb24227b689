//! Reading and rolling: the plain forms, what explodes, what is kept, what is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use rules::dice::{Dialect, MAX_TEXT, Notation, NotationErrorKind, State, Value};

fn check(text: &str, faces: &[u32], rolls: &[i64], total: i64) {
    let notation = Notation::parse(text).unwrap();
    let mut faces = faces.iter().copied();
    let roll = notation.roll(|_| faces.next().unwrap());
    assert_eq!(roll.rolls(), rolls, "{text}");
    assert_eq!(roll.total, Value::whole(total), "{text}");
    assert_eq!(faces.next(), None, "{text}: a face was not used");
}

#[test]
fn the_total_is_the_dice_and_the_modifier() {
    check("2d6+3", &[4, 5], &[4, 5], 12);
    check("1d20-5", &[2], &[2], -3);
    check("2d6+1d4-1d8", &[1, 2, 3, 8], &[1, 2, 3, 8], -2);
    check("4dF", &[1, 2, 3, 3], &[-1, 0, 1, 1], 1);
}

#[test]
fn only_dice_that_explode_are_thrown_again() {
    check("2d6!", &[6, 6, 1, 5], &[13, 5], 18);
    check("2d6", &[6, 5], &[6, 5], 11);
    check("2d6!p", &[6, 3, 5], &[8, 5], 13);
    check("2d6!l1", &[6, 6, 5], &[12, 5], 17);
    check("2d6!>=5", &[5, 1, 2], &[6, 2], 8);
}

#[test]
fn further_dice_are_kept_by_themselves_unless_they_compound() {
    check("2d6!kh1", &[6, 6, 1, 5], &[13, 5], 6);
    check("2d6!!kh1", &[6, 6, 1, 5], &[13, 5], 13);
    check("2d6!>=6", &[6, 6, 1, 5], &[13, 5], 18);
    check("2d6!c>=5", &[6, 6, 1, 5], &[13, 5], 3);
}

#[test]
fn rerolled_dice_are_told_but_do_not_count() {
    check("2d6ro1", &[1, 1, 4], &[1, 4], 5);
    check("2d6r1", &[1, 1, 3, 4], &[3, 4], 7);
    let roll = Notation::parse("1d6r1").unwrap().roll({
        let mut faces = [1, 5].into_iter();
        move |_| faces.next().unwrap()
    });
    assert_eq!(roll.throws[0].state, State::Rerolled);
    assert_eq!(roll.faces(), [[1, 5]]);
}

#[test]
fn dice_are_kept_dropped_bounded_sorted_and_counted() {
    check("4d6kh3", &[1, 6, 3, 4], &[1, 6, 3, 4], 13);
    check("4d6dh1dl1", &[1, 6, 3, 4], &[1, 6, 3, 4], 7);
    check("3d6min3", &[1, 6, 3], &[3, 6, 3], 12);
    check("3d6sd", &[1, 6, 3], &[6, 3, 1], 10);
    check("4d6>=5f1", &[1, 6, 5, 4], &[1, 6, 5, 4], 1);
    check("3d6u", &[2, 2, 3, 3, 4], &[2, 3, 4], 9);
    check("{2d6,1d8}kh1", &[1, 6, 8], &[1, 6, 8], 8);
}

#[test]
fn a_success_test_follows_the_rules_of_six_and_one() {
    check("2d6 tn14", &[6, 6, 2, 1], &[14, 1], 1);
    check("2d6 tn6", &[6, 1], &[6, 1], 1);
    check("2d6 tn5 vs 1d6 tn4", &[5, 6, 4], &[5, 6, 4], 1);
    assert!(Notation::parse("3d6 tn4").unwrap().roll(|_| 1).all_ones());
}

#[test]
fn a_repeated_roll_tells_every_result() {
    let roll = Notation::parse("2x 1d6+1").unwrap().roll({
        let mut faces = [2, 5].into_iter();
        move |_| faces.next().unwrap()
    });
    assert_eq!((roll.results, roll.total), (vec![Value::whole(3), Value::whole(6)], Value::whole(9)));
}

#[test]
fn labels_and_comments_are_told() {
    let notation = Notation::parse("1d6[fire]+1d4 # a hit").unwrap();
    assert_eq!(notation.comment(), Some("a hit"));
    assert_eq!(notation.roll(|_| 1).terms[0].label.as_deref(), Some("fire"));
}

#[test]
fn the_dialect_decides_and_says_so() {
    let standard = Notation::parse("4d6k3").unwrap();
    let avrae = Notation::parse_as("4d6k3", Dialect::Avrae).unwrap();
    assert_ne!(standard, avrae);
    assert_eq!(standard.notes(), ["k keeps the highest 3, as in standard"]);
    assert_eq!(avrae.notes(), ["a number alone means the dice that show it, here 3, as in Avrae"]);
    for (text, dialect, note) in [
        ("4d6 kh3", Dialect::Avrae, "what stands after the space is a comment, as in Avrae; 4d6kh3 is another roll"),
        ("d%", Dialect::Avrae, "d% is a die from 1 to 100; in Avrae it shows 0, 10, 20 to 90"),
        ("{2d6+1d8}kh", Dialect::Foundry, "a group keeps the totals of its members, here of one, as in foundry"),
    ] {
        let notation = Notation::parse_as(text, dialect).unwrap();
        assert!(notation.notes().iter().any(|told| told == note), "{text}: {:?}", notation.notes());
    }
    assert!(Notation::parse_as("4d6 fire", Dialect::Avrae).unwrap().notes().is_empty());
}

#[test]
fn every_comment_is_told() {
    let comment = |text: &str| Notation::parse(text).unwrap().comment().map(str::to_owned);
    assert_eq!(comment("1d6/*to hit*/+2"), Some("to hit".into()));
    assert_eq!(comment("1d6 /* a */ + /* b */ 2 # c"), Some("a; b; c".into()));
    assert_eq!(comment("1d6 /**/"), None);
}

#[test]
fn explosions_are_bounded_even_if_every_face_is_the_highest() {
    let notation = Notation::parse("100d2!").unwrap();
    let mut throws = 0;
    notation.roll(|sides| {
        throws += 1;
        sides
    });
    assert_eq!(throws, 100 * 65);
}

#[test]
fn initiative_dice_do_not_explode() {
    let notation = Notation::parse("2d6!+5").unwrap().without_explosions();
    assert_eq!(notation.to_string(), "2d6+5");
}

#[test]
fn long_texts_are_refused() {
    let long = " ".repeat(MAX_TEXT + 1);
    assert_eq!(Notation::parse(&long).unwrap_err().kind, NotationErrorKind::TooLong);
    let many = ["1"; 100].join("+");
    assert_eq!(Notation::parse(&many).unwrap_err().kind, NotationErrorKind::NoDice);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".*") {
        for dialect in Dialect::ALL {
            if let Err(error) = Notation::parse_as(&text, dialect) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn the_canonical_form_reads_back_as_the_same(
        text in "[1-9]?d[1-9F%][0-9]?(!|kh[1-3]|dl1|ro?[1-3]|>=?[2-5]|min2|u|sd|\\[x\\]){0,3}([+*-][(]?([1-9]d)?[1-9][)]?){0,4}",
    ) {
        for dialect in Dialect::ALL {
            if let Ok(notation) = Notation::parse_as(&text, dialect) {
                for other in Dialect::ALL {
                    let again = Notation::parse_as(&notation.to_string(), other);
                    prop_assert_eq!(again.as_ref(), Ok(&notation), "{} in {} and {}", text, dialect, other);
                }
            }
        }
    }
}
