/* Run a SavedModel with TensorFlow's C API: no Python, no Keras, no seqapp; the same runtime as TF Serving's.
 *
 *     c_api SAVED_MODEL < request > answer
 *
 * request: count, then per input: name, type, rank, sizes, elements; then count, then the names of the outputs.
 * answer: per output: type, rank, sizes, elements. Counts, types, ranks and lengths are int32, sizes int64, in this
 * machine's order; a name or a text is its length and its bytes; other elements are as they are in memory.
 * Names are those of tensors, such as serving_default_history:0.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

#define MAX_COUNT 64 /* inputs or outputs, and axes of each */

static void fail(const char *what) {
  fprintf(stderr, "c_api: %s\n", what);
  exit(1);
}

static void read_bytes(void *into, size_t size) {
  if (size && fread(into, 1, size, stdin) != size) fail("the request ends too early");
}

static int32_t read_int(void) {
  int32_t value;
  read_bytes(&value, sizeof value);
  return value;
}

static char *read_text(int32_t *length) {
  *length = read_int();
  char *text = calloc((size_t)*length + 1, 1);
  read_bytes(text, (size_t)*length);
  return text;
}

static void write_bytes(const void *from, size_t size) {
  if (size && fwrite(from, 1, size, stdout) != size) fail("the answer cannot be written");
}

static TF_Output read_output(TF_Graph *graph) {
  int32_t length;
  char *name = read_text(&length), *colon = strrchr(name, ':');
  if (!colon) fail("a tensor's name has no number");
  *colon = 0;
  TF_Output output = {TF_GraphOperationByName(graph, name), atoi(colon + 1)};
  if (!output.oper) fail("the graph has no such tensor");
  free(name);
  return output;
}

static TF_Tensor *read_tensor(void) {
  TF_DataType type = (TF_DataType)read_int();
  int32_t rank = read_int();
  int64_t sizes[MAX_COUNT], count = 1;
  if (rank < 0 || rank > MAX_COUNT) fail("too many axes");
  read_bytes(sizes, sizeof(int64_t) * (size_t)rank);
  for (int32_t axis = 0; axis < rank; axis++) count *= sizes[axis];
  size_t each = type == TF_STRING ? sizeof(TF_TString) : TF_DataTypeSize(type);
  TF_Tensor *tensor = TF_AllocateTensor(type, sizes, rank, each * (size_t)count);
  if (type != TF_STRING) {
    read_bytes(TF_TensorData(tensor), each * (size_t)count);
    return tensor;
  }
  TF_TString *texts = TF_TensorData(tensor);
  for (int64_t element = 0; element < count; element++) {
    int32_t length;
    char *text = read_text(&length);
    TF_StringInit(&texts[element]);
    TF_StringCopy(&texts[element], text, (size_t)length);
    free(text);
  }
  return tensor;
}

static void write_tensor(const TF_Tensor *tensor) {
  int32_t head[2] = {(int32_t)TF_TensorType(tensor), TF_NumDims(tensor)};
  write_bytes(head, sizeof head);
  for (int32_t axis = 0; axis < head[1]; axis++) {
    int64_t size = TF_Dim(tensor, axis);
    write_bytes(&size, sizeof size);
  }
  if (TF_TensorType(tensor) != TF_STRING) {
    write_bytes(TF_TensorData(tensor), TF_TensorByteSize(tensor));
    return;
  }
  const TF_TString *texts = TF_TensorData(tensor);
  for (int64_t element = 0; element < TF_TensorElementCount(tensor); element++) {
    int32_t length = (int32_t)TF_StringGetSize(&texts[element]);
    write_bytes(&length, sizeof length);
    write_bytes(TF_StringGetDataPointer(&texts[element]), (size_t)length);
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

  TF_Output inputs[MAX_COUNT], outputs[MAX_COUNT];
  TF_Tensor *values[MAX_COUNT], *results[MAX_COUNT] = {NULL};
  int32_t input_count = read_int();
  if (input_count > MAX_COUNT) fail("too many inputs");
  for (int32_t index = 0; index < input_count; index++) {
    inputs[index] = read_output(graph);
    values[index] = read_tensor();
  }
  int32_t output_count = read_int();
  if (output_count > MAX_COUNT) fail("too many outputs");
  for (int32_t index = 0; index < output_count; index++) outputs[index] = read_output(graph);

  TF_SessionRun(session, NULL, inputs, values, input_count, outputs, results, output_count, NULL, 0, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));
  for (int32_t index = 0; index < output_count; index++) write_tensor(results[index]);
  return 0;
}
