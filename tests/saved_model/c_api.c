/* Ask a SavedModel through TensorFlow's C API: no Python, no Keras, no seqapp; the same runtime as TF Serving's.
 *
 *     c_api SAVED_MODEL < request > answer
 *
 * request: count, then per input: name, type, rank, sizes, elements; then count, then the names of the outputs.
 * answer: per output: type, rank, sizes, elements. Counts, types, ranks and lengths are int32, sizes int64, in this
 * machine's order; a name or a text is its length and its bytes; other elements are as they lie in memory.
 * Names are those of tensors, such as serving_default_history:0.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

#define MOST 64 /* inputs or outputs, and axes of each */

static void fail(const char *what) {
  fprintf(stderr, "c_api: %s\n", what);
  exit(1);
}

static void take(void *into, size_t size) {
  if (size && fread(into, 1, size, stdin) != size) fail("the request ends too early");
}

static int32_t take_int(void) {
  int32_t value;
  take(&value, sizeof value);
  return value;
}

static char *take_text(int32_t *length) {
  *length = take_int();
  char *text = calloc((size_t)*length + 1, 1);
  take(text, (size_t)*length);
  return text;
}

static void give(const void *from, size_t size) {
  if (size && fwrite(from, 1, size, stdout) != size) fail("the answer cannot be written");
}

static TF_Output take_place(TF_Graph *graph) {
  int32_t length;
  char *name = take_text(&length), *colon = strrchr(name, ':');
  if (!colon) fail("a tensor's name has no number");
  *colon = 0;
  TF_Output place = {TF_GraphOperationByName(graph, name), atoi(colon + 1)};
  if (!place.oper) fail("the graph has no such tensor");
  free(name);
  return place;
}

static TF_Tensor *take_tensor(void) {
  TF_DataType type = (TF_DataType)take_int();
  int32_t rank = take_int();
  int64_t sizes[MOST], count = 1;
  if (rank < 0 || rank > MOST) fail("too many axes");
  take(sizes, sizeof(int64_t) * (size_t)rank);
  for (int32_t axis = 0; axis < rank; axis++) count *= sizes[axis];
  size_t each = type == TF_STRING ? sizeof(TF_TString) : TF_DataTypeSize(type);
  TF_Tensor *tensor = TF_AllocateTensor(type, sizes, rank, each * (size_t)count);
  if (type != TF_STRING) {
    take(TF_TensorData(tensor), each * (size_t)count);
    return tensor;
  }
  TF_TString *texts = TF_TensorData(tensor);
  for (int64_t element = 0; element < count; element++) {
    int32_t length;
    char *text = take_text(&length);
    TF_StringInit(&texts[element]);
    TF_StringCopy(&texts[element], text, (size_t)length);
    free(text);
  }
  return tensor;
}

static void give_tensor(const TF_Tensor *tensor) {
  int32_t head[2] = {(int32_t)TF_TensorType(tensor), TF_NumDims(tensor)};
  give(head, sizeof head);
  for (int32_t axis = 0; axis < head[1]; axis++) {
    int64_t size = TF_Dim(tensor, axis);
    give(&size, sizeof size);
  }
  if (TF_TensorType(tensor) != TF_STRING) {
    give(TF_TensorData(tensor), TF_TensorByteSize(tensor));
    return;
  }
  const TF_TString *texts = TF_TensorData(tensor);
  for (int64_t element = 0; element < TF_TensorElementCount(tensor); element++) {
    int32_t length = (int32_t)TF_StringGetSize(&texts[element]);
    give(&length, sizeof length);
    give(TF_StringGetDataPointer(&texts[element]), (size_t)length);
  }
}

int main(int count, char **arguments) {
  if (count != 2) fail("expected the folder of a SavedModel");
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  const char *tags[] = {"serve"};
  TF_Session *session =
      TF_LoadSessionFromSavedModel(TF_NewSessionOptions(), NULL, arguments[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));

  TF_Output inputs[MOST], outputs[MOST];
  TF_Tensor *given[MOST], *made[MOST] = {NULL};
  int32_t asked = take_int();
  if (asked > MOST) fail("too many inputs");
  for (int32_t place = 0; place < asked; place++) {
    inputs[place] = take_place(graph);
    given[place] = take_tensor();
  }
  int32_t wanted = take_int();
  if (wanted > MOST) fail("too many outputs");
  for (int32_t place = 0; place < wanted; place++) outputs[place] = take_place(graph);

  TF_SessionRun(session, NULL, inputs, given, asked, outputs, made, wanted, NULL, 0, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));
  for (int32_t place = 0; place < wanted; place++) give_tensor(made[place]);
  return 0;
}
