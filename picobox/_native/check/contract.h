/* What a check asks of the core about opens for reading, see readings.c. */
enum { PB_READING_FRAMES = 30, PB_READING_WORDS = 11, PB_READER_GUARDS = 3 };
/* A task that opens files for reading without that being shown, and how its stack is found: `head` is the address of a word
   that leads to the innermost frame, or to what has the frame's address at `holder` (UINT64_MAX: to the frame itself). It
   does as long as each word whose address is the first of a guard is the second. `number` and `space` tell Python, of which
   task the record is and of which address space the targets are. */
struct pb_reader {
    uint64_t number, space;
    uint64_t guards[3][2];
    uint64_t head, holder;
    struct pb_frames form;
};
/* An open that was not shown: when (ns since 1970), by a call of which number, with which access mode (open(2)), of which
   file, which path that has without links, and the rows of the stack (pb_read_frames). A file that an open makes has no
   number at its entry: `inode` is 0 then. */
struct pb_reading {
    uint64_t device, inode;
    int64_t time;
    uint64_t number;
    uint32_t nr, access, length, frames, words;
    char path[4096];
    int64_t rows[330]; /* PB_READING_FRAMES rows of PB_READING_WORDS at most */
};
/* The next opens for reading of a task, until it runs another program, are not shown if what they open lies in the
   directories of pb_leave_opens, nobody has it open that is known (PB_FILE_OPEN), a look at it is not waited for, each target
   of the stack is known, and who was last known to read it (PB_FILE_READ, or a reading) has closed it. Nor are those that
   make a file there, under the conditions of pb_leave_changes. NULL: all are shown again. 0, -ESRCH, -ENOMEM, or -EINVAL for a form of which too much would be read. */
int32_t pb_let_read(struct pb_core *core, int32_t tid, const struct pb_reader *reader);
/* Python knows of an address space what a row without instruction and owner is, or no more. 0, -ENOMEM. */
int32_t pb_know_target(struct pb_core *core, uint64_t space, const int64_t *row, uint32_t words, int32_t is_known);
/* How a file is known to Python; `is_so`: from now on, or no more. Its removal is to be shown if it is PB_FILE_AWAITED. 0, -ENOMEM. */
enum { PB_FILE_OPEN, PB_FILE_READ, PB_FILE_AWAITED };
int32_t pb_mark_file(struct pb_core *core, int32_t as, uint64_t device, uint64_t inode, int32_t is_so);
/* The same of what had a path without links when it was made: PB_FILE_READ, or PB_PATH_ABOVE for a directory below which
   somebody has something open, or had when it was deleted. */
enum { PB_PATH_ABOVE = 3 };
int32_t pb_mark_path(struct pb_core *core, int32_t as, const char *path, uint64_t length, int32_t is_so);
/* A name in a directory under which a file was deleted that is open: whoever makes it is shown. */
int32_t pb_mark_name(struct pb_core *core, uint64_t device, uint64_t inode, const char *name, uint64_t length, int32_t is_so);
/* The last reading of a file; of any file if `inode` is 0: 1, or 0 if there is none. It is forgotten if `takes`. */
int32_t pb_find_reading(struct pb_core *core, uint64_t device, uint64_t inode, int32_t takes, struct pb_reading *out);
/* The same of the last open that has made a file of this path. */
int32_t pb_find_creation(struct pb_core *core, const char *path, uint64_t length, int32_t takes, struct pb_reading *out);
/* Whether as many readings are kept as there may be: then opens are shown. */
int32_t pb_readings_are_full(struct pb_core *core);
/* No file is PB_FILE_READ, and there is no reading. */
void pb_forget_readings(struct pb_core *core);
/* Whether a descriptor of a task stands for a file: 1, 0, -errno. */
int32_t pb_has_open(int32_t tid, uint64_t device, uint64_t inode);
/* Removals of names, and calls that make directories, are not shown from now on where nobody is in their way and no rule is
   about their names, see changes.c. `index` has the names of the directories; a path of more than `longest` bytes may be too
   long. It has to be told (pb_receivers_told) what everybody has open. */
void pb_leave_changes(struct pb_core *core, struct pb_names *index, uint32_t longest);
/* Directories and files that are made are shown, as long as `shows`. */
void pb_show_makings(struct pb_core *core, int32_t shows);
/* All that those have open is marked who were receivers before (pb_take_receivers). */
void pb_receivers_told(struct pb_core *core);
/* What is set of files, made or looked at (PB_CALLER_x) tells nothing where the innermost `frames` of the `all` of a task, which
   makes a call, do it; `for_now`: until those are forgotten. The stack is found as pb_let_read says. 0, -ENOMEM, or -EINVAL if
   it is another stack. */
enum { PB_CALLER_MODE = 1, PB_CALLER_TIMES, PB_CALLER_MAKES, PB_CALLER_LOOKS };
int32_t pb_leave_caller(struct pb_core *core, int32_t tid, int32_t does, uint32_t frames, uint32_t all, int32_t for_now);
void pb_forget_callers(struct pb_core *core);
