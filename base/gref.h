// base/gref.h: who owns a GLib, GStreamer or JSON thing, said by the type.
//
// Thread:  as the thing owned; the reference counts themselves are atomic.
// Owner:   GRef shares (reference counted), Freer owns alone (unique_ptr).
// Fails:   never; a null thing gives an empty handle.
//
// There is no constructor from a raw pointer: how it was got stands in the name.
//   GRef<T>::sink(p)   p is floating                 (gst_element_factory_make)
//   GRef<T>::adopt(p)  p is ours already             (transfer full)
//   GRef<T>::share(p)  p is lent, take a reference   (transfer none)
#pragma once

#include <glib-object.h>

#include <concepts>
#include <memory>
#include <utility>

namespace callbot {

// GstCaps, GstBuffer, GstMessage ...: anything that begins with a GstMiniObject.
template <class T>
concept MiniObject = requires(T t) {
  t.mini_object;
};

// How a type that is neither a GObject nor a GstMiniObject is counted. Specialise for such types.
template <class T>
struct RefTraits {
  static void ref(T* p) {
    if constexpr (MiniObject<T>)
      gst_mini_object_ref(&p->mini_object);
    else
      g_object_ref(p);
  }
  static void unref(T* p) {
    if constexpr (MiniObject<T>)
      gst_mini_object_unref(&p->mini_object);
    else
      g_object_unref(p);
  }
};

template <class T>
class GRef {
 public:
  GRef() = default;
  GRef(std::nullptr_t) {}
  static GRef sink(T* floating) {
    if (floating != nullptr) g_object_ref_sink(floating);
    return GRef(floating);
  }
  static GRef adopt(T* owned) { return GRef(owned); }
  static GRef share(T* lent) {
    if (lent != nullptr) RefTraits<T>::ref(lent);
    return GRef(lent);
  }

  GRef(const GRef& other) : p_(other.p_) {
    if (p_ != nullptr) RefTraits<T>::ref(p_);
  }
  GRef(GRef&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  GRef& operator=(GRef other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~GRef() {
    if (p_ != nullptr) RefTraits<T>::unref(p_);
  }

  T* get() const { return p_; }
  T* operator->() const { return p_; }
  explicit operator bool() const { return p_ != nullptr; }
  // Gives the reference away, to a function that takes it (transfer full).
  T* release() { return std::exchange(p_, nullptr); }

 private:
  explicit GRef(T* p) : p_(p) {}
  T* p_ = nullptr;
};

// A unique_ptr deleter made of a C function: std::unique_ptr<GError, Freer<&g_error_free>>.
template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    kFree(p);
  }
};

using ErrorPtr = std::unique_ptr<GError, Freer<&g_error_free>>;
using Text = std::unique_ptr<char, Freer<&g_free>>;

}  // namespace callbot
