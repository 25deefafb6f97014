//! Texts of the catalog: their limits, and the part of a URL that is made of a name.

use super::Refusal;

/// Refuses a text that is longer than `most` characters.
pub(super) fn at_most(field: &str, text: &str, most: usize) -> Result<(), Refusal> {
    if text.chars().count() <= most {
        return Ok(());
    }
    Err(Refusal::Invalid(format!("{field} must have at most {most} characters")))
}

/// A required text with a limit.
pub(super) fn required(field: &str, text: &str, most: usize) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::Invalid(format!("{field} is required")));
    }
    at_most(field, text, most)
}

/// A name as part of a URL: accents dropped, everything else that is no letter or digit a single hyphen.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars().map(plain) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

fn plain(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'Á' | 'À' | 'Â' | 'Ã' | 'Ä' => 'A',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'É' | 'È' | 'Ê' | 'Ë' => 'E',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'Í' | 'Ì' | 'Î' | 'Ï' => 'I',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ö' => 'O',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'Ú' | 'Ù' | 'Û' | 'Ü' => 'U',
        'ç' => 'c',
        'Ç' => 'C',
        'ñ' => 'n',
        'Ñ' => 'N',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_plain_letters_and_single_hyphens() {
        assert_eq!(slug("Calção  Infantil – azul/2"), "Calcao-Infantil-azul-2");
        assert_eq!(slug(" (novo) "), "novo");
        assert_eq!(slug("***"), "");
    }

    #[test]
    fn limits_count_characters_and_not_bytes() {
        assert!(at_most("Name", &"ã".repeat(150), 150).is_ok());
        assert!(at_most("Name", &"a".repeat(151), 150).is_err());
        assert!(required("Name", "", 150).is_err());
    }
}
