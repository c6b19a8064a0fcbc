//! What a check is, and how checks are gone through.

use serde::{Serialize, Serializer};

/// What a finding is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Category {
    Engine,
    Files,
    Ports,
    Kernel,
    Memory,
    Architecture,
    Swarm,
    Time,
    Secrets,
    Registry,
}

impl Category {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Files => "Compose and stack files",
            Self::Ports => "ports",
            Self::Kernel => "kernel",
            Self::Memory => "memory",
            Self::Architecture => "architecture",
            Self::Swarm => "Swarm",
            Self::Time => "time",
            Self::Secrets => "secrets",
            Self::Registry => "registry",
        }
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// It works, until something happens.
    Warning,
    /// Something that the pages have you do does not work.
    Error,
}

/// What a check found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// Where in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    pub(super) found: String,
    /// What it will do to you.
    pub(super) effect: String,
    /// The line that mends it.
    pub(super) mend: String,
}

impl Finding {
    pub(super) fn error(found: impl Into<String>, effect: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Error, line: None, found: found.into(), effect: effect.into(), mend: mend.into() }
    }

    pub(super) fn warning(found: impl Into<String>, effect: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(found, effect, mend) }
    }

    /// The same, at a line of the file.
    pub(super) fn at(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }
}

/// What comes of a look: findings, or why it cannot be known.
pub(super) type Outcome = Result<Vec<Finding>, String>;

/// A row of the tables: one cause that something can have. `F` is what it looks at.
#[derive(Debug)]
pub(super) struct Check<F: 'static> {
    /// Its name, one word.
    pub(super) id: &'static str,
    pub(super) category: Category,
    /// The checks that have to be fine before this one means anything.
    pub(super) needs: &'static [&'static str],
    pub(super) looks_at: &'static str,
    /// Its heading in `docs/troubleshooting.md`.
    pub(super) anchor: &'static str,
    pub(super) look: fn(&F) -> Outcome,
}

/// A check that was gone through.
#[derive(Debug, Serialize)]
pub(super) struct Examined {
    #[serde(rename = "check")]
    pub(super) id: &'static str,
    pub(super) category: Category,
    /// The file that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    #[serde(rename = "looked_at")]
    pub(super) looks_at: &'static str,
    pub(super) anchor: &'static str,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
}

/// What became of a check.
#[derive(Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub(super) enum Verdict {
    Fine,
    Found {
        findings: Vec<Finding>,
    },
    /// It cannot be known here.
    Unknown {
        why: String,
    },
    /// Not looked at, because this other check was not fine.
    Skipped {
        because_of: &'static str,
    },
}

impl Examined {
    /// What was found.
    pub(super) fn findings(&self) -> &[Finding] {
        if let Verdict::Found { findings } = &self.verdict { findings } else { &[] }
    }
}

/// What checks look at.
pub(super) trait Subject {
    /// The file that it is about.
    fn file(&self) -> Option<String> {
        None
    }
}

/// Goes through `checks`, in their order: what one needs comes before it.
pub(super) fn examine<F: Subject + 'static>(
    checks: impl Iterator<Item = &'static Check<F>>,
    facts: &F,
) -> Vec<Examined> {
    let mut examined: Vec<Examined> = Vec::new();
    for &Check { id, category, needs, looks_at, anchor, look } in checks {
        let is_not_fine =
            |need: &&&str| examined.iter().any(|other| other.id == **need && !matches!(other.verdict, Verdict::Fine));
        let verdict = match needs.iter().find(is_not_fine) {
            Some(&because_of) => Verdict::Skipped { because_of },
            None => match look(facts) {
                Ok(findings) if findings.is_empty() => Verdict::Fine,
                Ok(findings) => Verdict::Found { findings },
                Err(why) => Verdict::Unknown { why },
            },
        };
        examined.push(Examined { id, category, file: facts.file(), looks_at, anchor, verdict });
    }
    examined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the three checks of [`CHECKS`] come to.
    struct Facts([Result<usize, &'static str>; 3]);

    impl Subject for Facts {}

    fn outcome(facts: &Facts, check: usize) -> Outcome {
        let findings = facts.0[check].map_err(str::to_owned)?;
        Ok((0..findings).map(|number| Finding::warning(number.to_string(), "", "")).collect())
    }

    const fn check(id: &'static str, needs: &'static [&'static str], look: fn(&Facts) -> Outcome) -> Check<Facts> {
        Check { id, category: Category::Engine, needs, looks_at: "", anchor: "", look }
    }

    const CHECKS: &[Check<Facts>] = &[
        check("first", &[], |facts| outcome(facts, 0)),
        check("second", &["first"], |facts| outcome(facts, 1)),
        check("third", &["second"], |facts| outcome(facts, 2)),
    ];

    fn verdicts(facts: [Result<usize, &'static str>; 3]) -> Vec<Verdict> {
        examine(CHECKS.iter(), &Facts(facts)).into_iter().map(|examined| examined.verdict).collect()
    }

    #[test]
    fn one_cause_is_one_finding() {
        use Verdict::{Fine, Found, Skipped, Unknown};
        let all = verdicts([Ok(1), Ok(1), Ok(1)]);
        assert!(
            matches!(&all[..], [Found { .. }, Skipped { because_of: "first" }, Skipped { because_of: "second" }]),
            "{all:?}"
        );
        let all = verdicts([Ok(0), Err("dark"), Ok(1)]);
        assert!(matches!(&all[..], [Fine, Unknown { .. }, Skipped { because_of: "second" }]), "{all:?}");
        let all = verdicts([Ok(0), Ok(0), Ok(2)]);
        assert!(matches!(&all[..], [Fine, Fine, Found { findings }] if findings.len() == 2), "{all:?}");
    }
}
