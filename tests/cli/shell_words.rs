//! Cuts lines of a shell into commands and words, as far as examples in documentation need it.

/// The simple commands of a script: pipes, lists and redirections are cut away, comments dropped.
pub(crate) fn commands(script: &str) -> Vec<Vec<String>> {
    let mut lexer = Lexer::default();
    let joined = script.replace("\\\n", " ");
    let mut characters = joined.chars().peekable();
    while let Some(character) = characters.next() {
        match (lexer.quote, character) {
            (Some(quote), _) if character == quote => lexer.quote = None,
            (None, '\'' | '"') => lexer.open(character),
            (None, '#') if lexer.word.is_none() => while characters.next_if(|next| *next != '\n').is_some() {},
            (None, '|' | '&' | ';' | '\n' | '(' | ')') => lexer.end_command(),
            (None, '<' | '>') => lexer.redirect(),
            (None, _) if character.is_whitespace() => lexer.end_word(),
            (_, _) => lexer.push(character),
        }
    }
    lexer.end_command();
    lexer.commands
}

#[derive(Default)]
struct Lexer {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
    quote: Option<char>,
    /// The next word is a file.
    redirected: bool,
}

impl Lexer {
    fn push(&mut self, character: char) {
        self.word.get_or_insert_default().push(character);
    }

    fn open(&mut self, quote: char) {
        self.word.get_or_insert_default();
        self.quote = Some(quote);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take()
            && !std::mem::take(&mut self.redirected)
        {
            self.words.push(word);
        }
    }

    fn redirect(&mut self) {
        // `2>file`: the number belongs to the redirection.
        if self.word.as_deref().is_some_and(|word| word.chars().all(|digit| digit.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        self.redirected = true;
    }

    fn end_command(&mut self) {
        self.end_word();
        self.redirected = false;
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() {
            self.commands.push(words);
        }
    }
}

#[test]
fn scripts_are_cut_as_a_shell_cuts_them() {
    let script = "echo 'a b' | kafka produce t \\\n  --key \"k v\" >out 2>/dev/null # why\nkafka list && (x; y='')\n";
    let expected: [&[&str]; 5] =
        [&["echo", "a b"], &["kafka", "produce", "t", "--key", "k v"], &["kafka", "list"], &["x"], &["y="]];
    assert_eq!(commands(script), expected);
}
