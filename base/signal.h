// base/signal.h: a GObject signal, emitted on any thread, handled on the loop.
//
// Thread:  on_signal() on the loop; the emission copies its arguments and posts them.
// Owner:   the emitting object holds the connection; wrap the handler in Alive::guard.
// Fails:   never. For a signal whose return value matters, or that must act on the emitting
//          thread, connect by hand and say why.
#pragma once

#include <glib-object.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/gref.h"
#include "base/loop.h"

namespace callbot {

// Copies of a signal's arguments; 0 is the emitter itself, 1 the first argument.
class SignalArgs {
 public:
  SignalArgs(const GValue* values, guint count);
  SignalArgs(SignalArgs&&) = default;
  ~SignalArgs();

  uint32_t uint_at(size_t i) const { return g_value_get_uint(&values_[i]); }
  int32_t enum_at(size_t i) const { return g_value_get_enum(&values_[i]); }
  std::string text_at(size_t i) const;
  template <class T>
  GRef<T> object_at(size_t i) const {
    return GRef<T>::share(static_cast<T*>(g_value_get_object(&values_[i])));
  }
  template <class T>
  T* boxed_at(size_t i) const {  // lives as long as these arguments
    return static_cast<T*>(g_value_get_boxed(&values_[i]));
  }
  size_t size() const { return values_.size(); }

 private:
  std::vector<GValue> values_;
};

using SignalHandler = std::function<void(const SignalArgs&)>;

// Returns the handler id, for g_signal_handler_disconnect. `name` may be "notify::property".
gulong on_signal(gpointer object, const char* name, Loop& loop, SignalHandler handler);

}  // namespace callbot
