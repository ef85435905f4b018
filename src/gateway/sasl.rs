//! SASL/PLAIN towards the local client (RFC 4616), answered by the gateway itself.

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiKey, RequestHeader, ResponseHeader, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

use super::frame::{Malformed, RequestHead};

/// The user's name; the password alone is the secret.
pub(super) const USERNAME: &str = "kubectl-kafka";

const MECHANISM: &str = "PLAIN";

/// What the client has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing: only `ApiVersions` and `SaslHandshake` make sense.
    Unknown,
    /// It chose PLAIN.
    Chosen,
    /// It knew the password.
    Authenticated,
    /// It did not: the answer says so, then the connection is closed.
    Refused,
}

/// Answers a `SaslHandshake` or `SaslAuthenticate` request; any other is an error.
pub(super) fn answer(
    state: State,
    head: RequestHead,
    frame: Bytes,
    password: &str,
) -> Result<(State, Bytes), Malformed> {
    match (ApiKey::try_from(head.api), state) {
        // In v0 the tokens come without Kafka's framing; every client since 1.0 has v1.
        (Ok(ApiKey::SaslHandshake), State::Unknown) if head.version >= 1 => {
            let request: SaslHandshakeRequest = decode(head, frame)?;
            let known = request.mechanism.as_str() == MECHANISM;
            let code = if known { 0 } else { ResponseError::UnsupportedSaslMechanism.code() };
            let response = SaslHandshakeResponse::default()
                .with_error_code(code)
                .with_mechanisms(vec![StrBytes::from_static_str(MECHANISM)]);
            let state = if known { State::Chosen } else { State::Refused };
            Ok((state, encode(head, &response)?))
        }
        (Ok(ApiKey::SaslAuthenticate), State::Chosen) => {
            let request: SaslAuthenticateRequest = decode(head, frame)?;
            if knows_password(&request.auth_bytes, password) {
                return Ok((State::Authenticated, encode(head, &SaslAuthenticateResponse::default())?));
            }
            let response = SaslAuthenticateResponse::default()
                .with_error_code(ResponseError::SaslAuthenticationFailed.code())
                .with_error_message(Some(StrBytes::from_static_str("wrong user name or password")));
            Ok((State::Refused, encode(head, &response)?))
        }
        _ => Err(Malformed("request before authentication")),
    }
}

/// `[authorization id] NUL user NUL password`
fn knows_password(token: &[u8], password: &str) -> bool {
    let mut parts = token.split(|byte| *byte == 0);
    let (Some(_), Some(user), Some(given), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    user == USERNAME.as_bytes() && same(given, password.as_bytes())
}

/// Compares without telling by the time taken how much of it was right.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    given.len() == wanted.len() && given.iter().zip(wanted).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn decode<R: Request>(head: RequestHead, mut frame: Bytes) -> Result<R, Malformed> {
    let malformed = |_| Malformed("SASL request");
    let _ = frame.split_to(4);
    RequestHeader::decode(&mut frame, R::header_version(head.version)).map_err(malformed)?;
    R::decode(&mut frame, head.version).map_err(malformed)
}

fn encode<R: Encodable + HeaderVersion>(head: RequestHead, response: &R) -> Result<Bytes, Malformed> {
    let malformed = |_| Malformed("version of a SASL request");
    let mut body = BytesMut::with_capacity(64);
    body.extend_from_slice(&[0; 4]);
    ResponseHeader::default()
        .with_correlation_id(head.correlation)
        .encode(&mut body, R::header_version(head.version))
        .map_err(malformed)?;
    response.encode(&mut body, head.version).map_err(malformed)?;
    let length = i32::try_from(body.len() - 4).map_err(|_| Malformed("SASL response"))?;
    body[..4].copy_from_slice(&length.to_be_bytes());
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_user_and_the_whole_password_open() {
        let token = |user: &str, password: &str| format!("\0{user}\0{password}").into_bytes();
        assert!(knows_password(&token(USERNAME, "secret"), "secret"));
        for (user, password) in [(USERNAME, "secre"), (USERNAME, "secrets"), (USERNAME, ""), ("root", "secret")] {
            assert!(!knows_password(&token(user, password), "secret"), "{user} {password}");
        }
        assert!(!knows_password(b"", "secret"));
        assert!(!knows_password(b"\0kubectl-kafka\0secret\0", "secret"));
    }

    #[test]
    fn authentication_cannot_be_skipped() {
        let head =
            |api: ApiKey, version| RequestHead { size: 12, api: api as i16, version, correlation: 1, answered: true };
        let frame = Bytes::from_static(&[0; 32]);
        for (state, api, version) in [
            (State::Unknown, ApiKey::Metadata, 9),
            (State::Unknown, ApiKey::SaslAuthenticate, 2),
            (State::Unknown, ApiKey::SaslHandshake, 0),
            (State::Chosen, ApiKey::Produce, 9),
        ] {
            assert!(answer(state, head(api, version), frame.clone(), "secret").is_err(), "{api:?}");
        }
    }
}
