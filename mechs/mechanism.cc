// Keeps the vtables of the interfaces in one place.
#include "mechs/mechanism.h"
