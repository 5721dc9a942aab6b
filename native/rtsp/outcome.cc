// See outcome.h; also holds outcome_name of client.h.
#include "rtsp/outcome.h"

namespace thimble::rtsp {
namespace {

struct Words {
  const char* name;
  const char* sentence;
};

// In the order of the enum, so that the compiler sees a case that is missing.
Words words_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return {"ok", "The session ended"};
    case Outcome::kUnauthorized:
      return {"unauthorized", "The camera refused the user name or the password"};
    case Outcome::kAuthUnsupported:
      return {"auth_unsupported", "The camera asks for a kind of login that is not supported"};
    case Outcome::kForbidden:
      return {"forbidden", "The camera does not allow this user to see the stream"};
    case Outcome::kNotFound:
      return {"not_found", "The camera has no stream at this address"};
    case Outcome::kMethodNotAllowed:
      return {"method_not_allowed", "The camera does not allow this kind of request"};
    case Outcome::kNotAcceptable:
      return {"not_acceptable", "The camera cannot describe the stream in a form we know"};
    case Outcome::kNotEnoughBandwidth:
      return {"not_enough_bandwidth", "The camera is at its limit of viewers"};
    case Outcome::kSessionNotFound:
      return {"session_not_found", "The camera ended the session"};
    case Outcome::kInvalidState:
      return {"invalid_state", "The camera does not accept the request in its present state"};
    case Outcome::kUnsupportedTransport:
      return {"unsupported_transport", "The camera does not send this stream over TCP"};
    case Outcome::kRedirect:
      return {"redirect", "The camera sends us to another address"};
    case Outcome::kServerError:
      return {"server_error", "The camera reports a fault of its own"};
    case Outcome::kUnsupportedVideo:
      return {"unsupported_video", "The video is in no format that can be recorded"};
    case Outcome::kNoVideo:
      return {"no_video", "The stream has no video"};
    case Outcome::kBadResponse:
      return {"bad_response", "The answer of the camera makes no sense"};
    case Outcome::kTimeout:
      return {"timeout", "The camera did not answer in time"};
    case Outcome::kClosed:
      return {"closed", "The camera closed the connection"};
  }
  return {"", ""};
}

}  // namespace

const char* outcome_name(Outcome outcome) {
  return words_of(outcome).name;
}

Outcome outcome_of_status(int status) {
  if (status >= 300 && status < 400) return Outcome::kRedirect;
  if (status >= 500 && status < 600) return Outcome::kServerError;
  switch (status) {
    case 401:
      return Outcome::kUnauthorized;
    case 403:
      return Outcome::kForbidden;
    case 404:
    case 410:
      return Outcome::kNotFound;
    case 405:
      return Outcome::kMethodNotAllowed;
    case 406:
      return Outcome::kNotAcceptable;
    case 453:
      return Outcome::kNotEnoughBandwidth;
    case 454:
      return Outcome::kSessionNotFound;
    case 455:
    case 459:
    case 460:
      return Outcome::kInvalidState;
    case 461:
      return Outcome::kUnsupportedTransport;
    default:
      return Outcome::kBadResponse;
  }
}

std::string outcome_sentence(Outcome outcome, int status) {
  std::string sentence = words_of(outcome).sentence;
  if (status > 0) sentence += " (RTSP " + std::to_string(status) + ")";
  return sentence + ".";
}

}  // namespace thimble::rtsp
