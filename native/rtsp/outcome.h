// From status codes to outcomes and to words for people.
#pragma once

#include <string>

#include "rtsp/client.h"

namespace thimble::rtsp {

/// Outcome of an error status (300 to 999); redirects are kRedirect.
Outcome outcome_of_status(int status);

/// One sentence for people about an outcome; `status` 0 = there was none.
std::string outcome_sentence(Outcome outcome, int status);

}  // namespace thimble::rtsp
