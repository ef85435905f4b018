//! `sasl.jaas.config`, pure: `Module flag name="value" …;`

use secrecy::SecretString;

/// Who logs in, by whose module.
#[derive(Debug)]
pub(super) struct Login {
    /// The module's class.
    pub(super) module: String,
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
    /// Other options that change who logs in.
    pub(super) other: Vec<String>,
}

/// From the value of `sasl.jaas.config`.
///
/// # Errors
/// What is wrong; never with a part of the value, which may be the password.
pub(super) fn parse(text: &str) -> Result<Login, String> {
    let mut words = words(text)?.into_iter();
    let module = words.next().filter(|word| !word.is_empty()).ok_or("it is empty")?;
    let flag = words.next().unwrap_or_default().to_lowercase();
    if !matches!(flag.as_str(), "required" | "requisite" | "sufficient" | "optional") {
        return Err("behind the login module must be `required`".to_owned());
    }
    let mut login = Login { module, username: None, password: None, other: Vec::new() };
    for word in words {
        let (name, value) = word.split_once('=').ok_or("an option must be NAME=\"VALUE\"")?;
        match name {
            "username" => login.username = Some(value.to_owned()),
            "password" => login.password = Some(value.to_owned().into()),
            other => login.other.push(other.to_owned()),
        }
    }
    Ok(login)
}

/// Words up to the semicolon; quotes are taken away, and within them a backslash escapes.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    // `name = "value"` is one option.
    let mut wants_value = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' => {
                words.extend(word);
                let rest = characters.as_str().trim();
                return if rest.is_empty() { Ok(words) } else { Err("it has more than one login module".to_owned()) };
            }
            '"' | '\'' => {
                quoted(&mut characters, character, word.get_or_insert_default())?;
                wants_value = false;
            }
            character if character.is_whitespace() => {
                if !wants_value && !characters.as_str().trim_start().starts_with('=') {
                    words.extend(word.take());
                }
            }
            character => {
                word.get_or_insert_default().push(character);
                wants_value = character == '=';
            }
        }
    }
    Err("it does not end in a semicolon".to_owned())
}

fn quoted(characters: &mut std::str::Chars<'_>, quote: char, into: &mut String) -> Result<(), String> {
    while let Some(character) = characters.next() {
        match character {
            '\\' => into.extend(characters.next()),
            character if character == quote => return Ok(()),
            character => into.push(character),
        }
    }
    Err("a quote is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn login(text: &str) -> (String, Option<String>, Option<String>) {
        let login = parse(text).expect("a login");
        (login.module, login.username, login.password.map(|password| password.expose_secret().to_owned()))
    }

    #[test]
    fn quoting() {
        let expected =
            |name: &str, password: &str| ("a.B".to_owned(), Some(name.to_owned()), Some(password.to_owned()));
        assert_eq!(login(r#"a.B required username="u" password="p";"#), expected("u", "p"));
        assert_eq!(login(r#"  a.B required username=u password='p;"=' ;  "#), expected("u", "p;\"="));
        assert_eq!(
            login("a.B required\n  username = \"u v\"\n  password=\"a\\\"b\\\\c\";"),
            expected("u v", "a\"b\\c")
        );
        assert_eq!(login(r#"a.B required username="" password="p=";"#), expected("", "p="));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        for (text, reason) in [
            ("", "semicolon"),
            (";", "empty"),
            (r#"a.B required password="s3cret""#, "semicolon"),
            (r#"a.B required password="s3cret;"#, "not closed"),
            (r#"a.B username="u" password="s3cret";"#, "`required`"),
            ("a.B required s3cret;", "NAME"),
            (r#"a.B required password="s3cret"; c.D required;"#, "more than one"),
        ] {
            let error = parse(text).err().unwrap_or_default();
            assert!(error.contains(reason) && !error.contains("s3cret"), "{text}: {error}");
        }
    }
}
