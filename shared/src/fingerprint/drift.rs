//! How much of a device may change under its session.
//!
//! People change networks and browsers update themselves; thieves have another network and another
//! browser. So one factor may differ where [`Mode::Graded`] is chosen, and two never.

use subtle::ConstantTimeEq;

use super::{Factor, FactorHashes};

/// `FINGERPRINT_MODE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing may differ.
    #[default]
    Strict,
    /// One factor may.
    Graded,
}

impl Mode {
    /// The mode of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "strict" => Some(Self::Strict),
            "graded" => Some(Self::Graded),
            _ => None,
        }
    }
}

/// How like a device is to the one that a session is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It is the same.
    Same,
    /// It is the same but for this factor, which may differ.
    Drifted(Factor),
    /// It is another.
    Other,
}

impl Likeness {
    /// Whether the session may be used from the device.
    pub fn passes(self) -> bool {
        self != Self::Other
    }

    /// The factor that differs, though the session may be used.
    pub fn drift(self) -> Option<Factor> {
        match self {
            Self::Drifted(factor) => Some(factor),
            Self::Same | Self::Other => None,
        }
    }
}

/// Judges a device by the hashes of its factors, `given` and `bound`.
///
/// A factor that is there on one side alone differs. Client hints that were not to be had, because
/// of how the request was made, are forgiven, but count as the one that differs. Some factor must
/// agree that is more than client hints, of which there are few.
pub(super) fn judge(
    mode: Mode,
    given: &FactorHashes,
    bound: &FactorHashes,
    are_hints_withheld: bool,
) -> Likeness {
    let (mut likeness, mut is_anchored) = (Likeness::Same, false);
    // Whatever differs, all are compared.
    for ((factor, given), (_, bound)) in given.each().into_iter().zip(bound.each()) {
        let agrees = match (given, bound) {
            (Some(given), Some(bound)) => given.as_bytes().ct_eq(bound.as_bytes()).into(),
            (None, None) => continue,
            _ => false,
        };
        is_anchored |= agrees && factor != Factor::ClientHints;
        if !agrees {
            likeness = match likeness {
                Likeness::Same => Likeness::Drifted(factor),
                _ => Likeness::Other,
            };
        }
    }
    match (likeness, mode) {
        _ if !is_anchored => Likeness::Other,
        (Likeness::Drifted(Factor::ClientHints), _) if are_hints_withheld => Likeness::Same,
        (Likeness::Drifted(_), Mode::Strict) => Likeness::Other,
        (likeness, _) => likeness,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hashes in the order of [`Factor::ALL`]; 0 is none.
    fn hashes(each: [u8; 4]) -> FactorHashes {
        let [ip, user_agent, language, client_hints] =
            each.map(|value| (value > 0).then(|| value.to_string()));
        FactorHashes {
            ip,
            user_agent,
            language,
            client_hints,
        }
    }

    #[track_caller]
    fn judged(mode: Mode, given: [u8; 4], expected: Likeness) {
        let bound = hashes([1, 1, 1, 1]);
        assert_eq!(judge(mode, &hashes(given), &bound, false), expected);
    }

    #[test]
    fn one_factor_may_drift_and_two_may_not() {
        use Factor::{ClientHints, Ip, Language, UserAgent};
        judged(Mode::Graded, [1, 1, 1, 1], Likeness::Same);
        judged(Mode::Graded, [2, 1, 1, 1], Likeness::Drifted(Ip));
        judged(Mode::Graded, [1, 2, 1, 1], Likeness::Drifted(UserAgent));
        judged(Mode::Graded, [1, 1, 2, 1], Likeness::Drifted(Language));
        judged(Mode::Graded, [1, 1, 1, 2], Likeness::Drifted(ClientHints));
        judged(Mode::Graded, [2, 2, 1, 1], Likeness::Other);
        judged(Mode::Graded, [1, 1, 2, 2], Likeness::Other);
        judged(Mode::Graded, [2, 2, 2, 2], Likeness::Other);
    }

    #[test]
    fn a_factor_that_came_or_went_has_drifted() {
        judged(
            Mode::Graded,
            [1, 1, 0, 1],
            Likeness::Drifted(Factor::Language),
        );
        judged(Mode::Graded, [0, 1, 0, 1], Likeness::Other);
        let without = hashes([1, 1, 0, 1]);
        let likeness = judge(Mode::Graded, &hashes([1, 1, 1, 1]), &without, false);
        assert_eq!(likeness, Likeness::Drifted(Factor::Language));
    }

    #[test]
    fn no_session_is_left_without_a_factor_that_agrees() {
        for (given, bound) in [
            ([1, 0, 0, 0], [2, 0, 0, 0]),
            ([0, 0, 0, 0], [0, 0, 0, 0]),
            ([1, 0, 0, 0], [0, 0, 0, 0]),
            // The hints of most browsers are the same.
            ([1, 0, 0, 1], [2, 0, 0, 1]),
            ([0, 0, 0, 1], [0, 0, 0, 1]),
        ] {
            let likeness = judge(Mode::Graded, &hashes(given), &hashes(bound), false);
            assert_eq!(likeness, Likeness::Other, "{given:?} {bound:?}");
        }
    }

    #[test]
    fn hints_that_are_withheld_are_the_one_that_differs() {
        let judged = |mode, given| judge(mode, &hashes(given), &hashes([1, 1, 1, 1]), true);
        for mode in [Mode::Strict, Mode::Graded] {
            assert_eq!(judged(mode, [1, 1, 1, 2]), Likeness::Same);
            assert_eq!(judged(mode, [2, 1, 1, 2]), Likeness::Other);
        }
        let drifted = Likeness::Drifted(Factor::Ip);
        assert_eq!(judged(Mode::Graded, [2, 1, 1, 1]), drifted);
        assert_eq!(judged(Mode::Strict, [2, 1, 1, 1]), Likeness::Other);
    }

    proptest! {
        #[test]
        fn nothing_passes_that_differs_in_two(
            given in any::<[u8; 4]>().prop_map(|each| each.map(|value| value % 3)),
            bound in any::<[u8; 4]>().prop_map(|each| each.map(|value| value % 3)),
            are_hints_withheld: bool,
        ) {
            let differing = given.iter().zip(bound).filter(|(given, bound)| *given != bound).count();
            let judged = |mode| judge(mode, &hashes(given), &hashes(bound), are_hints_withheld);
            let (strict, graded) = (judged(Mode::Strict), judged(Mode::Graded));
            if differing > 1 {
                prop_assert_eq!((strict, graded), (Likeness::Other, Likeness::Other));
            }
            prop_assert_eq!(strict.drift(), None);
            // Whoever passes by the strict rule passes by the other, and is not said to have
            // drifted.
            if strict.passes() {
                prop_assert_eq!(graded, Likeness::Same);
            }
            if let Some(factor) = graded.drift() {
                let place = Factor::ALL.iter().position(|known| *known == factor).unwrap();
                prop_assert_ne!(given[place], bound[place]);
                prop_assert_eq!(differing, 1);
            }
        }
    }
}
