#include "media/events.h"

namespace thimble::media {

const char* link_state_name(LinkState state) {
  switch (state) {
    case LinkState::kConnecting:
      return "connecting";
    case LinkState::kLive:
      return "live";
    case LinkState::kStalled:
      return "stalled";
    case LinkState::kWaiting:
      return "waiting";
  }
  return "";
}

const char* link_problem_name(LinkProblem problem) {
  switch (problem) {
    case LinkProblem::kNone:
      return "";
    case LinkProblem::kRefused:
      return "refused";
    case LinkProblem::kUnreachable:
      return "unreachable";
    case LinkProblem::kUnknownHost:
      return "unknown-host";
    case LinkProblem::kAddressForbidden:
      return "address-forbidden";
    case LinkProblem::kUnauthorized:
      return "unauthorized";
    case LinkProblem::kNotFound:
      return "not-found";
    case LinkProblem::kNoVideo:
      return "no-video";
    case LinkProblem::kUnsupportedCodec:
      return "unsupported-codec";
    case LinkProblem::kUnsupportedTransport:
      return "unsupported-transport";
    case LinkProblem::kBusy:
      return "busy";
    case LinkProblem::kNotRtsp:
      return "not-rtsp";
    case LinkProblem::kServerError:
      return "server-error";
    case LinkProblem::kTimeout:
      return "timeout";
    case LinkProblem::kClosed:
      return "closed";
    case LinkProblem::kStalled:
      return "stalled";
    case LinkProblem::kNoKeyframe:
      return "no-keyframe";
    case LinkProblem::kHub:
      return "hub";
  }
  return "";
}

const char* stream_problem_name(StreamProblem problem) {
  switch (problem) {
    case StreamProblem::kBadClock:
      return "bad-clock";
    case StreamProblem::kLongGop:
      return "long-gop";
    case StreamProblem::kNoAudio:
      return "no-audio";
    case StreamProblem::kFlappingParameters:
      return "flapping-parameters";
  }
  return "";
}

}  // namespace thimble::media
