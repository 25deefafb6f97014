//! Questions to whoever sets maré up.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::bail;

/// Asks on the terminal, or takes every answer as it is proposed where there is none.
pub(super) struct Asker {
    on_terminal: bool,
}

impl Asker {
    pub(super) fn new(questions: bool) -> Self {
        Self { on_terminal: questions && std::io::stdin().is_terminal() }
    }

    /// An answer that cannot be left out. `option`: how it is given without a terminal.
    pub(super) fn needed(
        &self,
        given: Option<String>,
        question: &str,
        option: &str,
    ) -> anyhow::Result<String> {
        if let Some(given) = given {
            return Ok(given);
        }
        if !self.on_terminal {
            bail!("nobody is there to ask for {question}: give --{option}, or a file with --answers");
        }
        loop {
            let answer = prompt(question, "")?;
            if !answer.is_empty() {
                return Ok(answer);
            }
        }
    }

    /// An answer with a proposal, which Enter takes; `-` is none.
    pub(super) fn proposed(&self, question: &str, proposal: Option<&str>) -> anyhow::Result<Option<String>> {
        if !self.on_terminal {
            return Ok(proposal.map(str::to_owned));
        }
        let answer = prompt(question, proposal.unwrap_or("-"))?;
        Ok(match answer.as_str() {
            "" => proposal.map(str::to_owned),
            "-" => None,
            _ => Some(answer),
        })
    }
}

fn prompt(question: &str, proposal: &str) -> anyhow::Result<String> {
    let mut out = std::io::stderr().lock();
    if proposal.is_empty() {
        write!(out, "{question}: ")?;
    } else {
        write!(out, "{question} [{proposal}]: ")?;
    }
    out.flush()?;
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        bail!("the input ended before all questions were answered");
    }
    Ok(line.trim().to_owned())
}
